//! Checks that mail can leave the agent: hosts, and times between attempts.

use koukan_core::stage::output_handler::RetryPolicy;

use super::Check;
use crate::{
    config::{
        Chain, Endpoint, Filter, HumanDuration, Notification, Notify, Place, Policy, Retry, Sender,
        suggest::instead,
    },
    registry::{Routes, is_builtin},
};

impl Check<'_> {
    /// Checks that every chain knows where to deliver, and when to try again.
    pub(super) fn delivery(&mut self) {
        let config = self.config;
        self.retry(&config.retry, RetryPolicy::default());
        let general = config.retry.over(RetryPolicy::default());
        for chain in &config.chain {
            self.retry(&chain.retry, general);
            self.hosts(chain);
            self.aliases(chain);
            self.hand_over(chain);
            self.routers(chain);
            self.exploders(chain);
        }
    }

    fn hosts(&mut self, chain: &Chain) {
        let Endpoint::Smtp(smtp) = &chain.endpoint else {
            return;
        };
        let name = &chain.name.value;
        let routes = Routes::of(chain);
        if !smtp.host.is_empty() {
            if !routes.hosts.is_empty() {
                let message =
                    format!("chain `{name}` names hosts twice: those of its router do nothing");
                let help = "leave out the `host` of its `smtp`, or the hosts of its `router`";
                self.odd(&chain.name, message, help);
            }
            return;
        }
        // A filter of the embedder's may name the host.
        let mut filters = chain.filter.iter().map(|filter| &*filter.value.name);
        if !filters.all(is_builtin) || self.is_gateway(chain) {
            return;
        }
        if !routes.is_there {
            let message = format!("chain `{name}` ends in `smtp` and nothing tells the host");
            let help = "give `smtp: { host: [\"mx.example.com:25\"] }`, or add the filter `router`";
            self.wrong(&chain.name, message, Some(help.into()));
        } else if let Some(rule) = routes.hostless {
            let message = format!(
                "chain `{name}` ends in `smtp`, and rule {rule} of its router accepts recipients \
                 and names no host"
            );
            let help = "give the rule `hosts`, or let it `reject`, or give the `smtp` a `host`";
            self.wrong(&chain.name, message, Some(help.into()));
        }
    }

    /// Checks that recipients are handed over to existing chains, one recipient at a time.
    fn hand_over(&mut self, chain: &Chain) {
        let routes = Routes::of(chain);
        let unknown = routes
            .senders
            .iter()
            .find(|sender| self.config.chain_of(sender).is_none());
        if let Some(sender) = unknown {
            let message = format!(
                "a rule of the router of chain `{}` hands recipients over to sender `{sender}`, which has no chain",
                chain.name.value
            );
            let known = self.config.sender.iter().flat_map(|sender| sender.chains());
            let known: Vec<_> = known.map(|(sender, _)| sender.to_string()).collect();
            let help = instead(
                "sender",
                &sender.to_string(),
                known.iter().map(String::as_str),
            );
            self.wrong(&chain.name, message, Some(help));
        } else if !routes.senders.is_empty() && matches!(chain.endpoint, Endpoint::Exploder(_)) {
            let message = format!(
                "the router of chain `{}` hands recipients over to a sender, and the chain ends in an exploder",
                chain.name.value
            );
            let help = "put the rule into the chain of the sender that the exploder names, where each recipient goes by itself";
            self.wrong(&chain.name, message, Some(help.into()));
        }
    }

    /// Checks that aliases are only resolved before an exploder, which makes a part for each of the recipients.
    fn aliases(&mut self, chain: &Chain) {
        let Some(rule) = Routes::of(chain).expands else {
            return;
        };
        if !matches!(chain.endpoint, Endpoint::Exploder(_)) {
            let name = &chain.name.value;
            let message = format!(
                "rule {rule} of the router of chain `{name}` finds out for whom recipients stand, and the chain does not end in an exploder"
            );
            let help = "put the rule into the router of the chain that ends in the `exploder`";
            self.wrong(&chain.name, message, Some(help.into()));
        }
    }

    /// Checks that of several routers each leaves recipients to the next.
    fn routers(&mut self, chain: &Chain) {
        let routers = chain
            .filter
            .iter()
            .filter(|filter| filter.value.name == "router");
        let all: Vec<_> = routers.collect();
        let leaves =
            |config: &serde_json::Value| config["others"] == "pass" || config["dry_run"] == true;
        for pair in all.windows(2) {
            if !leaves(&pair[0].value.config) {
                let message = format!(
                    "chain `{}` has two routers, and the first leaves nothing to the second",
                    chain.name.value
                );
                let help = "write `others: pass` in the first, or put the rules of both into one";
                self.wrong(pair[0], message, Some(help.into()));
            }
        }
        if let Some(last) = all.last()
            && last.value.config["others"] == "pass"
        {
            let message = format!(
                "the last router of chain `{}` passes on recipients that no rule knows: they are not refused",
                chain.name.value
            );
            let help = "leave out its `others`, unless a filter or the next chain decides of them";
            self.odd(*last, message, help);
        }
    }

    /// Checks for settings that have no effect on an exploder, or that it should not have.
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
        let is_spf = |filter: &Place<Filter>| filter.value.name == "spf_check";
        let by_rest = |sender: &Sender| {
            let mut chains = sender.chains();
            sender.rest.is_some() && chains.any(|(_, of)| of.value == *name)
        };
        // Another agent may report the result of SPF.
        if exploder.notify == Notify::SpfPass
            && !chain.filter.iter().any(is_spf)
            && !self.config.sender.iter().any(by_rest)
        {
            let message = format!("chain `{name}` tells nobody that mail failed: it asks no SPF");
            let help = "add the filter `spf_check`, or write `notify: always` or `never`";
            self.odd(&chain.name, message, help);
        }
        if (exploder.policy, exploder.notify) == (Policy::Submission, Notify::Never) {
            let message =
                format!("chain `{name}` takes users' mail and tells nobody that it failed");
            let help = "leave out `notify: never`, or write `policy: ingress`";
            self.odd(&chain.name, message, help);
        }
    }

    /// Whether each sender that uses the chain names the host in every transaction.
    fn is_gateway(&self, chain: &Chain) -> bool {
        let mut by_name = self.used();
        if !self.config.storage.keeps() {
            // Nothing is kept, so there is nothing to notify of.
            let notification = self.config.notification.as_ref();
            let notifier = notification.map(Notification::to_sender);
            if let Some(index) = by_name
                .iter()
                .position(|used| Some(used) == notifier.as_ref())
            {
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

    pub(super) fn retry(&mut self, retry: &Retry, defaults: RetryPolicy) {
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
        self.first_retry(retry, policy);
        self.deadline(retry, policy);
    }

    fn first_retry(&mut self, retry: &Retry, policy: RetryPolicy) {
        let place = retry.first_retry.or(retry.min_attempt_time);
        let (Some(place), Some(first)) = (place, policy.first_retry) else {
            return;
        };
        if first > policy.min_attempt_time {
            let message = format!(
                "`first_retry` ({}) is longer than `min_attempt_time` ({})",
                HumanDuration(first),
                HumanDuration(policy.min_attempt_time)
            );
            let help = "destinations that greylist accept a message that soon comes again: make `first_retry` the shorter \
                        one, or leave it out";
            self.odd(&place, message, help);
        }
    }

    fn deadline(&mut self, retry: &Retry, policy: RetryPolicy) {
        let Some(place) = retry.deadline.or(retry.min_attempt_time) else {
            return;
        };
        let second = policy.first_retry.unwrap_or(policy.min_attempt_time);
        if policy.deadline < second && policy.max_attempts != Some(1) {
            let message = format!(
                "the `deadline` ({}) comes before the second attempt ({})",
                HumanDuration(policy.deadline),
                HumanDuration(second)
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
