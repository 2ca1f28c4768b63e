//! Settings of an Exploder, and of the stage that stores its legs.

use koukan_core::{
    context,
    stage::{exploder, storage_writer},
};

use crate::config::{Exploder, Notify, Policy};

impl Exploder {
    /// On whose behalf the transaction of a recipient is sent whose domain has no sender of its own.
    pub(crate) fn general_sender(&self) -> context::Sender {
        let sender = context::Sender::new(self.sender.value.as_str());
        match &self.tag {
            Some(tag) => sender.with_tag(tag.value.as_str()),
            None => sender,
        }
    }

    /// Domains that have a sender of their own.
    pub(crate) fn senders_by_domain(&self) -> impl Iterator<Item = (&str, context::Sender)> {
        self.domain.iter().map(|(domain, sender)| {
            let sender = context::Sender::new(sender.value.as_str());
            (domain.as_ref(), sender)
        })
    }
}

impl From<&Exploder> for storage_writer::StorageWriterTimeouts {
    fn from(config: &Exploder) -> Self {
        let defaults = match config.policy {
            Policy::Submission => Self::default(),
            Policy::Ingress => Self::of_ingress(),
        };
        defaults
            .with_rcpt(
                config
                    .rcpt_timeout
                    .map_or(defaults.rcpt, |timeout| timeout.0),
            )
            .with_final_reply(
                config
                    .final_timeout
                    .map_or(defaults.final_reply, |timeout| timeout.0),
            )
    }
}

impl From<Policy> for exploder::ReplyPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Submission => Self::Submission,
            Policy::Ingress => Self::Ingress,
        }
    }
}

impl From<Notify> for exploder::NotifyWhen {
    fn from(notify: Notify) -> Self {
        match notify {
            Notify::Always => Self::Always,
            Notify::SpfPass => Self::SpfPass,
            Notify::Never => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_sends_again_waits_for_the_destination() {
        for (policy, chosen, seconds) in [
            ("submission", "", 60),
            ("ingress", "", 9 * 60),
            ("ingress", "final_timeout: 2m", 2 * 60),
        ] {
            let text = format!("policy: {policy}\nsender: s\n{chosen}\n");
            let config: Exploder = serde_saphyr::from_str(&text).unwrap();
            let timeouts = storage_writer::StorageWriterTimeouts::from(&config);
            assert_eq!(timeouts.final_reply, Duration::from_secs(seconds));
            assert_eq!(timeouts.rcpt, Duration::from_secs(30));
        }
    }
}
