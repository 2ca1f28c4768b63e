//! Checks that mail can leave: hosts, and times between attempts.

use std::time::Duration;

use koukan_core::stage::output_handler::RetryPolicy;

use super::Check;
use crate::config::{Chain, Endpoint, HumanDuration, Place, Retry};

impl Check<'_> {
    /// Every chain knows where to deliver, and when to try again.
    pub(super) fn delivery(&mut self) {
        let config = self.config;
        self.retry(&config.retry, RetryPolicy::default());
        let general = config.retry.over(RetryPolicy::default());
        for chain in &config.chain {
            self.retry(&chain.retry, general);
            self.hosts(chain);
        }
    }

    fn hosts(&mut self, chain: &Chain) {
        let Endpoint::Smtp(smtp) = &chain.endpoint else {
            return;
        };
        let name = &chain.name.value;
        // A filter of the embedder's own may tell, too.
        let own = ["received_header", "message_builder", "message_parser"];
        let mut filters = chain.filter.iter().map(|filter| &*filter.value.name);
        if smtp.host.is_empty()
            && filters.all(|filter| own.contains(&filter))
            && !self.is_gateway(chain)
        {
            let message = format!("chain `{name}` ends in `smtp` and nothing tells the host");
            let help = "give `smtp: { host: [\"mx.example.com:25\"] }`, or add the filter `router`";
            self.wrong(&chain.name, message, Some(help.into()));
        }
    }

    /// Whether those who use the chain tell the host of each transaction.
    fn is_gateway(&self, chain: &Chain) -> bool {
        let mut senders = self.config.sender.iter();
        senders.any(|sender| {
            sender.rest.is_some_and(|rest| rest.gateway)
                && sender
                    .chains()
                    .any(|(_, name)| name.value == chain.name.value)
        })
    }

    fn retry(&mut self, retry: &Retry, defaults: RetryPolicy) {
        let policy = retry.over(defaults);
        let times = [
            ("min_attempt_time", retry.min_attempt_time),
            ("max_attempt_time", retry.max_attempt_time),
            ("deadline", retry.deadline),
        ];
        for (key, time) in times {
            if let Some(time) = time.filter(|time| time.value.0 == Duration::ZERO) {
                let help = "leave it out, or give a time as in `5m`";
                self.wrong(
                    &time,
                    format!("`{key}` is no time at all"),
                    Some(help.into()),
                );
            }
        }
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
