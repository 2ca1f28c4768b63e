//! Checks for rules for single destinations that have no effect or are never used.

use koukan_core::{signals::HostPort, stage::output_handler::RetryPolicy};

use super::Check;
use crate::{
    config::{Chain, Destination, Endpoint, Place, Retry, TlsLevel},
    registry::{Routes, check_domain, check_host, is_builtin},
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
            Ok(parsed) => {
                self.identity(rule, host, &parsed);
                self.sources_of_host(rule, &parsed);
                known.push(parsed);
            }
        }
        if rule.is_tls_impossible()
            && let Some(mode) = &rule.tls_mode
        {
            let message = "TLS is to begin at once, and `tls: never` excludes it".to_owned();
            self.wrong(mode, message, Some("leave `tls` or `tls_mode` out".into()));
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
        } else if !rule.has_limits()
            && !rule.has_tls()
            && !rule.has_identity()
            && !rule.has_source()
        {
            let message = format!("destination `{}` says nothing", host.value);
            self.odd(
                host,
                message,
                "give it `connections`, `messages_per_connection`, `recipients_per_transaction`, `rate`, `tls`, \
                 `tls_mode`, `auth`, `certificate` or `source_address`",
            );
        }
    }

    /// Checks that the credentials for a host can be used, and that the host is one to which mail is sent.
    fn identity(&mut self, rule: &Destination, host: &Place<String>, parsed: &HostPort) {
        if let Some(auth) = &rule.auth {
            self.secret(auth);
        }
        if let Some(files) = &rule.certificate {
            if parsed.unix().is_some() {
                let message = format!("there is no TLS with the Unix socket `{}`", host.value);
                let help = "leave `certificate` out".to_owned();
                return self.wrong(&files.file, message, Some(help));
            }
            self.shown_certificate(files);
        }
        if let Some(auth) = &rule.auth
            && !auth.clear
            && parsed.unix().is_none()
            && let Some(chain) = self.without_tls(rule, parsed)
        {
            let message = format!(
                "chain `{chain}` speaks no TLS to `{}`, and without that it is not said who this agent is",
                host.value
            );
            let help = format!(
                "set `tls: verified` in the `smtp` endpoint of `{chain}`; only a server on this host needs no TLS"
            );
            self.odd(&auth.user, message, &help);
        }
        if rule.has_identity() && !self.is_named(parsed) {
            let message = format!(
                "no `smtp` endpoint and no `router` names `{}`, and hosts that others name are not told who this \
                 agent is",
                host.value
            );
            let help =
                "write the host here as it stands there, or leave `auth` and `certificate` out";
            self.odd(host, message, help);
        }
    }

    /// A chain that sends to a host without TLS.
    fn without_tls(&self, rule: &Destination, host: &HostPort) -> Option<&str> {
        let mut naming = self.naming(host);
        let chain = naming.find(|chain| {
            let Endpoint::Smtp(smtp) = &chain.endpoint else {
                return false;
            };
            let (level, _) = smtp.tls_with(Some(rule));
            level == TlsLevel::Never
        });
        chain.map(|chain| chain.name.value.as_str())
    }

    /// Whether the configuration names a host as one to send mail to.
    fn is_named(&self, host: &HostPort) -> bool {
        self.naming(host).next().is_some()
    }

    /// The chains whose configuration names a host to send mail to.
    fn naming(&self, host: &HostPort) -> impl Iterator<Item = &Chain> {
        self.config.chain.iter().filter(move |chain| {
            let Endpoint::Smtp(smtp) = &chain.endpoint else {
                return false;
            };
            let fixed = smtp
                .host
                .iter()
                .filter_map(|fixed| fixed.value.parse().ok());
            let mut all = fixed.chain(Routes::of(chain).hosts);
            // A filter of the embedder's may name any host.
            let mut filters = chain.filter.iter();
            all.any(|named: HostPort| named.to_lower_case() == *host)
                || filters.any(|filter| !is_builtin(&filter.value.name))
        })
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
        if rule.has_identity() {
            let message =
                format!("who this agent is, is said to hosts, and not to the domain `{text}`");
            let help = "name the `host` that its mail is sent to in place of the domain";
            self.wrong(domain, message, Some(help.into()));
        } else if let Some(source) = rule.source_address.first() {
            let message =
                format!("hosts are connected to from an address, and not the domain `{text}`");
            let help = "name the `host` that its mail is sent to in place of the domain";
            self.wrong(source, message, Some(help.into()));
        } else if rule.has_tls() {
            let message =
                format!("`tls` and `tls_mode` are for hosts, and not for the domain `{text}`");
            let help = "name the `host` that its mail is sent to in place of the domain";
            self.wrong(domain, message, Some(help.into()));
        } else if rule.has_limits() {
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
