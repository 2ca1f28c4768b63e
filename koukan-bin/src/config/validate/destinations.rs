//! Rules for single destinations that say nothing, or are never reached.

use koukan_core::{signals::HostPort, stage::output_handler::RetryPolicy};

use super::Check;
use crate::{
    config::{Destination, Place, Retry},
    registry::{check_domain, check_host},
};

impl Check<'_> {
    pub(super) fn destinations(&mut self) {
        let config = self.config;
        let mut hosts: Vec<HostPort> = Vec::new();
        let mut domains: Vec<&str> = Vec::new();
        for rule in &config.destination {
            match (&rule.host, &rule.domain) {
                (Some(host), None) => self.rule_of_host(rule, host, &mut hosts),
                (None, Some(domain)) => self.rule_of_domain(rule, domain, &mut domains),
                (Some(host), Some(_)) => self.wrong(
                    host,
                    "a destination is a `host` or a `domain`, and this one is both".into(),
                    Some("make two of it".into()),
                ),
                (None, None) => self.wrong(
                    &Place::nowhere(()),
                    "a destination has neither a `host` nor a `domain`".into(),
                    Some("name one, as in `host: \"mx.example.com:25\"`".into()),
                ),
            }
        }
    }

    fn rule_of_host(
        &mut self,
        rule: &Destination,
        host: &Place<String>,
        known: &mut Vec<HostPort>,
    ) {
        match check_host(&host.value).map(|host| host.to_lower_case()) {
            Err(error) => {
                let help = "write it as in `mx.example.com:25`";
                return self.wrong(host, error, Some(help.into()));
            }
            Ok(parsed) if known.contains(&parsed) => {
                let message = format!("destination `{}` stands here twice", host.value);
                return self.wrong(host, message, Some("put both into one".into()));
            }
            Ok(parsed) => known.push(parsed),
        }
        let of_domain = match (&rule.mta_sts, rule.retry != Retry::default()) {
            (Some(_), _) => Some("mta_sts"),
            (None, true) => Some("retry"),
            (None, false) => None,
        };
        if let Some(key) = of_domain {
            let message = format!("`{key}` does nothing for the host `{}`", host.value);
            let help = "name the recipients' `domain` in place of the host";
            self.wrong(host, message, Some(help.into()));
        } else if !rule.has_limits() {
            let message = format!("destination `{}` says nothing", host.value);
            self.odd(
                host,
                message,
                "give it `connections`, `messages_per_connection`, `recipients_per_transaction` or `rate`",
            );
        }
    }

    fn rule_of_domain<'a>(
        &mut self,
        rule: &'a Destination,
        domain: &'a Place<String>,
        known: &mut Vec<&'a str>,
    ) {
        let text = domain.value.as_str();
        if let Err(error) = check_domain(text.strip_prefix('.').unwrap_or(text)) {
            return self.wrong(domain, error, None);
        }
        if known.iter().any(|before| before.eq_ignore_ascii_case(text)) {
            let message = format!("destination `{text}` stands here twice");
            return self.wrong(domain, message, Some("put both into one".into()));
        }
        known.push(text);
        if rule.has_limits() {
            let message = format!(
                "limits of connections, transactions and rates do nothing for the domain `{text}`"
            );
            let help = "name the `host` that its mail is sent to in place of the domain: several domains may \
                        share it";
            self.wrong(domain, message, Some(help.into()));
        } else if rule.retry == Retry::default() && rule.mta_sts.is_none() {
            let message = format!("destination `{text}` says nothing");
            self.odd(domain, message, "give it `retry` or `mta_sts`");
        }
        let general = self.config.retry.over(RetryPolicy::default());
        self.retry(&rule.retry, general);
    }
}
