//! The key by which attempts wait for each other.

use std::{fmt, sync::Arc};

use crate::{
    context::Context,
    path::{Mailbox, domain_key, is_same_domain},
};

use super::Recipient;

/// The destination of a transaction, as far as it is known before an attempt. Attempts at one
/// destination wait only for each other.
///
/// It is a pure function of the stored transaction: the sender, who selects the chain, and the next
/// hop that was named, or else the domain of the first recipient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchedulingKey(Arc<str>);

impl SchedulingKey {
    /// The key of a transaction.
    pub fn of(context: &Context, recipients: &[Recipient]) -> Self {
        let sender = context.sender.to_string().to_ascii_lowercase();
        let text = match &context.next_hop {
            // Two paths that differ in case are two sockets.
            Some(host) => format!("{sender} {}", host.to_lower_case()),
            None => {
                let first = recipients.first();
                let mailbox = first.and_then(|first| first.rcpt.forward_path.mailbox());
                // The postmaster without a domain is local.
                let domain = mailbox.map_or("", Mailbox::domain_text);
                format!("{sender} {}", domain_key(domain))
            }
        };
        Self(text.into())
    }

    /// Whether all of the transaction goes there: to a next hop that was named, or to recipients in a
    /// single domain.
    pub fn is_of_all(context: &Context, recipients: &[Recipient]) -> bool {
        let domain = |recipient: &Recipient| {
            let mailbox = recipient.rcpt.forward_path.mailbox();
            mailbox.map_or("", Mailbox::domain_text).to_owned()
        };
        context.next_hop.is_some()
            || recipients.windows(2).all(|two| {
                let [one, other] = [&two[0], &two[1]].map(domain);
                is_same_domain(&one, &other)
            })
    }

    /// The host or domain that all of the transaction goes to; empty if there is none, or it is
    /// unknown.
    pub fn only_host(&self, context: &Context, recipients: &[Recipient]) -> &str {
        match Self::is_of_all(context, recipients) {
            true => self.host(),
            false => "",
        }
    }

    /// The host or domain: the part after the sender. Empty where none is known.
    pub fn host(&self) -> &str {
        self.0.rsplit_once(' ').map_or("", |(_, host)| host)
    }

    /// Its text, in which it is stored and compared.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SchedulingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{context::Sender, path::ForwardPath, transaction::Rcpt};

    fn those(recipients: &[&str]) -> Vec<Recipient> {
        let recipients = recipients.iter().map(|to| Recipient {
            rcpt: Rcpt::new(to.parse::<ForwardPath>().unwrap()),
            settled: None,
        });
        recipients.collect()
    }

    fn of(context: &Context, recipients: &[&str]) -> String {
        SchedulingKey::of(context, &those(recipients)).to_string()
    }

    #[test]
    fn the_chain_and_the_host_or_the_domain_decide() {
        let mut context = Context::new(Sender::new("out"));
        for (recipients, destination) in [
            (&["bob@Example.COM"][..], "out example.com"),
            (&["a@b.example", "c@d.example"], "out b.example"),
            (&["\"x@y\"@b.example"], "out b.example"),
            (&["bob@[127.0.0.1]"], "out [127.0.0.1]"),
            (&["bob@BÜCHER.example"], "out xn--bcher-kva.example"),
            (&["postmaster"], "out "),
            (&[], "out "),
        ] {
            assert_eq!(of(&context, recipients), destination);
        }
        for (recipients, is_one) in [
            (&[][..], true),
            (&["a@b.example"], true),
            (&["a@b.example", "c@B.example"], true),
            (&["a@b.example", "c@b.example", "c@d.example"], false),
            (&["a@b.example", "postmaster"], false),
        ] {
            let is_of_all = SchedulingKey::is_of_all(&context, &those(recipients));
            assert_eq!(is_of_all, is_one, "{recipients:?}");
        }
        context.sender.tag = Some("fast".into());
        assert_eq!(of(&context, &["a@b.example"]), "out/fast b.example");
        context.next_hop = Some("Relay.example:25".parse().unwrap());
        assert_eq!(of(&context, &["a@b.example"]), "out/fast relay.example:25");
        context.next_hop = Some("unix:/run/Dovecot/lmtp".parse().unwrap());
        assert_eq!(
            of(&context, &["a@b.example"]),
            "out/fast unix:/run/Dovecot/lmtp"
        );
        context.next_hop = Some("Relay.example:25".parse().unwrap());
        let several = those(&["a@b.example", "postmaster"]);
        let key = SchedulingKey::of(&context, &several);
        assert_eq!(key.only_host(&context, &several), "relay.example:25");
    }
}
