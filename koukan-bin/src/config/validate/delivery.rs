//! Checks that mail can leave: hosts, and times between attempts.

use koukan_core::{signals::HostPort, stage::output_handler::RetryPolicy};
use serde_json::Value;

use super::Check;
use crate::config::{Chain, Endpoint, HumanDuration, Notify, Place, Policy, Retry};

impl Check<'_> {
    /// Every chain knows where to deliver, and when to try again.
    pub(super) fn delivery(&mut self) {
        let config = self.config;
        self.retry(&config.retry, RetryPolicy::default());
        let general = config.retry.over(RetryPolicy::default());
        for chain in &config.chain {
            self.retry(&chain.retry, general);
            self.hosts(chain);
            self.exploders(chain);
        }
    }

    fn hosts(&mut self, chain: &Chain) {
        let Endpoint::Smtp(smtp) = &chain.endpoint else {
            return;
        };
        let name = &chain.name.value;
        if !smtp.host.is_empty() {
            if routed_hosts(chain).next().is_some() {
                let message =
                    format!("chain `{name}` names hosts twice: those of its router do nothing");
                let help = "leave out the `host` of its `smtp`, or the hosts of its `router`";
                self.odd(&chain.name, message, help);
            }
            return;
        }
        // A filter of the embedder's own may tell, too.
        let own = [
            "received_header",
            "message_builder",
            "message_parser",
            "router",
        ];
        let mut filters = chain.filter.iter().map(|filter| &*filter.value.name);
        if !filters.all(|filter| own.contains(&filter)) || self.is_gateway(chain) {
            return;
        }
        let rules: Vec<_> = rules(chain).collect();
        let mut filters = chain.filter.iter();
        let has_router = filters.any(|filter| filter.value.name == "router");
        if rules.is_empty() && has_router {
            // A router without rules is told of elsewhere.
            return;
        }
        if rules.is_empty() {
            let message = format!("chain `{name}` ends in `smtp` and nothing tells the host");
            let help = "give `smtp: { host: [\"mx.example.com:25\"] }`, or add the filter `router`";
            return self.wrong(&chain.name, message, Some(help.into()));
        }
        // Those behind one that takes every recipient decide nothing, which is told elsewhere.
        let mut deciding = rules.iter().take_while(|rule| !takes_all_to_hosts(rule));
        if let Some(index) = deciding.position(|rule| accepts_without_host(rule)) {
            let message = format!(
                "chain `{name}` ends in `smtp`, and rule {} of its router accepts recipients and \
                 names no host",
                index + 1
            );
            let help = "give the rule `hosts`, or let it `reject`, or give the `smtp` a `host`";
            self.wrong(&chain.name, message, Some(help.into()));
        }
    }

    /// What says nothing to an exploder, or what it should not be told.
    fn exploders(&mut self, chain: &Chain) {
        let Endpoint::Exploder(exploder) = &chain.endpoint else {
            return;
        };
        let name = &chain.name.value;
        if chain.retry != Retry::default() {
            let message = format!("the `retry` of chain `{name}` does nothing");
            let help = "give it to the chain that delivers: the one of the exploder's `sender`";
            self.odd(&chain.name, message, help);
        }
        if (exploder.policy, exploder.notify) == (Policy::Submission, Notify::Never) {
            let message =
                format!("chain `{name}` takes users' mail and tells nobody that it failed");
            let help = "leave out `notify: never`, or write `policy: ingress`";
            self.odd(&chain.name, message, help);
        }
    }

    /// Whether all who use the chain tell the host of each transaction.
    fn is_gateway(&self, chain: &Chain) -> bool {
        let mut by_name = self.used();
        if !self.config.storage.keeps() {
            // Nothing is kept, so that nothing is left to notify of.
            let notifier = self.config.notification.to_sender();
            if let Some(index) = by_name.iter().position(|used| *used == notifier) {
                by_name.swap_remove(index);
            }
        }
        let all = self.config.sender.iter();
        let mut users = all.flat_map(|sender| {
            let chains = sender.chains();
            chains.map(move |(principal, chain)| (sender, principal, chain))
        });
        let mut is_used = false;
        let is_told = users.all(|(sender, principal, used)| {
            if used.value != chain.name.value {
                return true;
            }
            is_used = true;
            sender.rest.is_some_and(|rest| rest.gateway) && !by_name.contains(&principal)
        });
        is_used && is_told
    }

    fn retry(&mut self, retry: &Retry, defaults: RetryPolicy) {
        let policy = retry.over(defaults);
        if let Some(max) = retry.max_attempts.filter(|max| max.value == 0) {
            let help = "leave it out for no limit; 1 is one attempt, without another";
            let message = "no attempt would ever be made";
            self.wrong(&max, message.into(), Some(help.into()));
        }
        let place = retry.min_attempt_time.or(retry.max_attempt_time);
        if let Some(place) = place
            && policy.min_attempt_time > policy.max_attempt_time
        {
            let message = format!(
                "`min_attempt_time` ({}) is longer than `max_attempt_time` ({})",
                HumanDuration(policy.min_attempt_time),
                HumanDuration(policy.max_attempt_time)
            );
            self.wrong(
                &place,
                message,
                Some("make the second the longer one".into()),
            );
        }
        self.deadline(retry, policy);
    }

    fn deadline(&mut self, retry: &Retry, policy: RetryPolicy) {
        let Some(place) = retry.deadline.or(retry.min_attempt_time) else {
            return;
        };
        if policy.deadline < policy.min_attempt_time && policy.max_attempts != Some(1) {
            let message = format!(
                "the `deadline` ({}) comes before the second attempt ({})",
                HumanDuration(policy.deadline),
                HumanDuration(policy.min_attempt_time)
            );
            let place: Place<HumanDuration> = place;
            self.odd(
                &place,
                message,
                "make the deadline longer, or `min_attempt_time` shorter",
            );
        }
    }
}

/// The rules of a chain's routers, as far as they are lists.
fn rules(chain: &Chain) -> impl Iterator<Item = &Value> {
    let filters = chain.filter.iter().map(|filter| &filter.value);
    let routers = filters.filter(|filter| filter.name == "router");
    let rules = routers.filter_map(|router| router.config.get("rules")?.as_array());
    rules.flatten()
}

/// The hosts that the rules of a chain's routers name.
pub(super) fn routed_hosts(chain: &Chain) -> impl Iterator<Item = HostPort> {
    let named = rules(chain).flat_map(|rule| {
        let fixed = rule.get("static_hosts");
        let listed = rule.get("address_list").and_then(|list| list.get("hosts"));
        let hosts = [fixed, listed].into_iter().flatten();
        hosts.filter_map(Value::as_array).flatten()
    });
    named.filter_map(|host| host.as_str()?.parse().ok())
}

fn takes_all_to_hosts(rule: &Value) -> bool {
    ["static_hosts", "dest_domain"]
        .iter()
        .any(|kind| rule.get(kind).is_some())
}

/// Whether a rule takes recipients and leaves open where they go.
fn accepts_without_host(rule: &Value) -> bool {
    if rule.get("accept_all").is_some() {
        return true;
    }
    let has = |list: &Value, key: &str| list.get(key).is_some_and(|value| !value.is_null());
    let list = rule.get("address_list");
    list.is_some_and(|list| !has(list, "hosts") && !has(list, "reject"))
}
