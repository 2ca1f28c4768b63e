//! Suppressed addresses, to which a sender sends nothing for some time.

use jiff::Timestamp;

use crate::{
    beginning::beginning,
    path::{Mailbox, domain_key},
    reply::{Reply, Suppressed},
};

use super::Attempt;

/// The longest reason that is kept, in octets.
const REASON_MAX: usize = 400;

/// An address to which a sender sends nothing for some time, since it was found to be bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The sender's name.
    pub sender: Box<str>,
    /// The address, as [`suppressed_address`] writes it.
    pub address: Box<str>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The reason: the reply to it, or an operator's text.
    pub reason: Box<str>,
}

/// A change of the suppressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuppressionChange {
    /// Adds this one, replacing an earlier one for the address.
    Keep(Suppression),
    /// Removes the one for an address.
    Remove {
        /// The sender's name.
        sender: Box<str>,
        /// The address.
        address: Box<str>,
    },
}

/// The same text for all spellings of a mailbox.
///
/// *Shape*: a valid mailbox, with the local part quoted only if necessary, and the domain as by [`domain_key`].
/// Mailboxes that are equal by [`Mailbox::is_same`] have the same text.
pub fn suppressed_address(mailbox: &Mailbox) -> Box<str> {
    let (local, domain) = (mailbox.unquoted_local_part(), mailbox.domain_text());
    let domain = domain_key(domain);
    let plain = format!("{local}@{domain}");
    let is_same = |known: &Mailbox| known.unquoted_local_part() == local;
    if plain.parse::<Mailbox>().as_ref().is_ok_and(is_same) {
        return plain.into();
    }
    let mut quoted = String::with_capacity(plain.len() + 2);
    quoted.push('"');
    for char in local.chars() {
        if matches!(char, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(char);
    }
    quoted.push_str("\"@");
    quoted.push_str(&domain);
    quoted.into()
}

impl Suppression {
    /// A reason, cut to the maximum length.
    pub fn reason(text: &str) -> Box<str> {
        beginning(text, REASON_MAX).replace('\n', " / ").into()
    }

    /// The reply for a suppressed recipient.
    pub(crate) fn reply(&self) -> Reply {
        let date = self.since.strftime("%Y-%m-%d");
        let reason = &self.reason;
        let text =
            format!("nothing is sent to this address since {date}, when it was bad: {reason}");
        let reply = Reply::no_such_user().with_text(text);
        reply.with_extension(Suppressed)
    }
}

impl Attempt {
    /// The reply that says permanently that the address of the recipient at `index` is bad, if there is
    /// one.
    ///
    /// The address is bad by the enhanced codes 5.1.1, 5.1.2, 5.1.3 and 5.1.6 of an upstream server, by
    /// 5.1.10 of anybody, and, if a server has no enhanced codes, by 550, 551 and 553 to RCPT. Replies
    /// about the message, its size, a policy, or a temporary state of the mailbox say nothing about the
    /// address.
    ///
    /// *Source*: RFC 3463 section 3.2, RFC 7505 section 4.
    pub fn bad_address(&self, index: usize) -> Option<&Reply> {
        if self.mail_reply.as_ref().is_some_and(Reply::is_negative) {
            return None;
        }
        let rcpt = self.recipient_replies.get(index)?.as_ref()?;
        let is_at_rcpt = rcpt.is_negative();
        let own = self.final_replies.get(index).and_then(Option::as_ref);
        let is_lone = self.recipient_replies.iter().flatten().count() == 1;
        let reply = match (is_at_rcpt, own) {
            (true, _) => rcpt,
            (false, Some(own)) => own,
            // With several recipients it is unknown whom the reply for all is about.
            (false, None) if is_lone => &self.final_reply,
            (false, None) => return None,
        };
        if !reply.is_permanent() || reply.extensions().get::<Suppressed>().is_some() {
            return None;
        }
        let is_bad = match reply.enhanced() {
            Some(code) if code.subject() == 1 => match code.detail() {
                // Our own 5.1.2 may mean a missing route, for which the address is not to blame.
                1 | 2 | 3 | 6 => reply.is_from_upstream(),
                10 => true,
                _ => false,
            },
            Some(_) => false,
            None => {
                let code = reply.code().as_u16();
                is_at_rcpt && reply.is_from_upstream() && matches!(code, 550 | 551 | 553)
            }
        };
        is_bad.then_some(reply)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::reply::{EnhancedCode, FromUpstream, ReplyCode};

    #[test]
    fn all_ways_to_write_a_mailbox_have_one_text() {
        for (mailbox, text) in [
            ("Bob@Example.COM", "Bob@example.com"),
            ("\"Bob\"@example.com", "Bob@example.com"),
            ("\"B\\ob\"@EXAMPLE.com", "Bob@example.com"),
            ("\"a b\"@x", "\"a b\"@x"),
            ("\"a\\ b\"@X", "\"a b\"@x"),
            ("\"a\\\"b\"@x", "\"a\\\"b\"@x"),
            ("\"a@b\"@x", "\"a@b\"@x"),
            ("Bob@BÜCHER.example", "Bob@xn--bcher-kva.example"),
        ] {
            let mailbox: Mailbox = mailbox.parse().unwrap();
            let suppressed = suppressed_address(&mailbox);
            assert_eq!(&*suppressed, text);
            assert!(suppressed.parse::<Mailbox>().unwrap().is_same(&mailbox));
        }
    }

    fn said(text: &str) -> Reply {
        let (code, enhanced) = text.split_once(' ').unwrap_or((text, ""));
        let code = ReplyCode::new(code.parse().unwrap()).unwrap();
        let enhanced = enhanced.parse::<EnhancedCode>().ok();
        Reply::new(code, enhanced, "said").with_extension(FromUpstream)
    }

    fn attempt(rcpt: Vec<Option<Reply>>, last: Reply) -> Attempt {
        Attempt {
            final_reply: last,
            ..Attempt::broken_off(Timestamp::UNIX_EPOCH, None, rcpt)
        }
    }

    #[rstest]
    #[case("550 5.1.1", true)]
    #[case("550 5.1.2", true)]
    #[case("553 5.1.3", true)]
    #[case("551 5.1.6", true)]
    #[case("556 5.1.10", true)]
    #[case("550", true)]
    #[case("551", true)]
    #[case("553", true)]
    #[case::transient("450 4.1.1", false)]
    #[case::moved_from("550 5.1.8", false)]
    #[case::full("552 5.2.2", false)]
    #[case::disabled("550 5.2.1", false)]
    #[case::size("552 5.3.4", false)]
    #[case::content("550 5.6.1", false)]
    #[case::policy("550 5.7.1", false)]
    #[case::other("550 5.0.0", false)]
    #[case::no_room("552", false)]
    #[case::failed("554", false)]
    fn of_replies_to_rcpt_those_count_that_are_about_the_address(
        #[case] reply: &str,
        #[case] is_bad: bool,
    ) {
        let reply = said(reply);
        let refused = attempt(vec![Some(reply.clone())], Reply::no_valid_recipients());
        assert_eq!(refused.bad_address(0), is_bad.then_some(&reply));
        assert_eq!(refused.bad_address(1), None);
        // Of MAIL it is about the sender.
        let mail_reply = Some(reply);
        assert_eq!(
            Attempt {
                mail_reply,
                ..refused
            }
            .bad_address(0),
            None
        );
    }

    #[test]
    fn of_what_we_say_ourselves_only_what_the_dns_has_said_counts() {
        let ours = |reply: Reply| attempt(vec![Some(reply)], Reply::no_valid_recipients());
        assert!(ours(Reply::no_such_user()).bad_address(0).is_none());
        assert!(ours(Reply::no_route()).bad_address(0).is_none());
        assert!(ours(Reply::domain_takes_no_mail()).bad_address(0).is_some());
    }

    #[test]
    fn a_final_reply_counts_for_a_lone_recipient_and_with_an_enhanced_code() {
        let ok = || Some(Reply::recipient_ok());
        let no = said("550 5.1.1");
        assert_eq!(
            attempt(vec![None, ok()], no.clone()).bad_address(1),
            Some(&no)
        );
        assert_eq!(attempt(vec![None, ok()], no.clone()).bad_address(0), None);
        assert_eq!(attempt(vec![ok(), ok()], no.clone()).bad_address(1), None);
        assert_eq!(attempt(vec![ok()], said("550")).bad_address(0), None);
        let own = Attempt {
            final_replies: vec![ok(), Some(no.clone())],
            ..attempt(vec![ok(), ok()], Reply::message_accepted())
        };
        assert_eq!(own.bad_address(0), None);
        assert_eq!(own.bad_address(1), Some(&no));
    }

    #[test]
    fn what_is_suppressed_stays_no_longer_for_that() {
        let suppression = Suppression {
            sender: "out".into(),
            address: "bob@x".into(),
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            reason: Suppression::reason(&"550 no\n".repeat(200)),
        };
        assert!(suppression.reason.len() <= 2 * REASON_MAX);
        let reply = suppression.reply();
        assert!(reply.to_string().starts_with("550 5.1.1 "), "{reply}");
        assert!(reply.text().contains("1970-01-01") && reply.text().contains("550 no"));
        let refused = attempt(vec![Some(reply)], Reply::no_valid_recipients());
        assert_eq!(refused.bad_address(0), None);
    }
}
