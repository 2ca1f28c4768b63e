//! Replies of a server whose meaning is unclear.

use koukan_core::{
    reply::Reply,
    transaction::{Command, Rcpt},
};

use crate::client::ClientError;

/// The most meaningless lines that are skipped while the reply to the message is awaited.
const NOISE_MAX: usize = 100;

/// Unclear replies in one transaction, and the commands that wait for the final reply because of them.
///
/// Once the end of the message was sent, only the reply to it tells what happened to the message; to give up
/// then is to send it again. So unclear replies before that one are kept here until it comes.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    /// Whether there was an unclear reply.
    is_any: bool,
    noise: usize,
    pub(super) mail: Option<Held>,
    pub(super) recipients: Vec<(Command<Rcpt>, Held)>,
    /// A refusal of the whole message that came while it was sent: the final reply, if no other comes.
    pub(super) objection: Option<Reply>,
    /// The first thing that came in place of the reply to the message: the reason for the failure,
    /// if no reply comes.
    pub(super) nonsense: Option<ClientError>,
}

/// What came in place of a reply.
#[derive(Debug)]
pub(super) struct Held {
    /// The reply that it amounts to on its own.
    reply: Reply,
    /// Whether that reply is only our interpretation.
    is_nonsense: bool,
}

impl Oddities {
    pub(super) fn is_any(&self) -> bool {
        self.is_any
    }

    pub(super) fn note(&mut self) {
        self.is_any = true;
    }

    /// Whether one more meaningless line can be skipped.
    pub(super) fn takes_noise(&mut self) -> bool {
        self.is_any = true;
        self.noise += 1;
        self.noise <= NOISE_MAX
    }

    /// Whether a command waits for the final reply.
    pub(super) fn is_holding(&self) -> bool {
        self.mail.is_some() || !self.recipients.is_empty()
    }

    /// Whether the server has said that it closes the connection.
    pub(super) fn is_closing(&self) -> bool {
        self.objection
            .as_ref()
            .is_some_and(Reply::closes_connection)
    }
}

impl Held {
    /// A reply that says both yes and no, or that the server is about to close.
    pub(super) fn unclear(reply: Reply) -> Self {
        Self {
            reply: reply.relayed(),
            is_nonsense: false,
        }
    }

    /// Something that is not a reply to that command; `reply` is our own.
    pub(super) fn nonsense(reply: Reply) -> Self {
        Self {
            reply,
            is_nonsense: true,
        }
    }

    /// The reply to the command after all, according to the reply to the message. `accepted` is the
    /// command's reply if that one is positive.
    pub(super) fn settle(self, last: &Reply, accepted: Option<Reply>) -> Reply {
        match accepted {
            Some(accepted) if last.is_positive() => accepted,
            _ if last.is_negative() && self.is_nonsense => last.clone(),
            _ => self.reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_reply_decides_about_what_is_odd() {
        let (own, ok) = (Reply::no_such_user, Reply::recipient_ok);
        let (yes, no) = (Reply::message_accepted(), Reply::bad_content());
        for (held, last, accepted, reply) in [
            (Held::unclear(own()), &yes, Some(ok()), ok()),
            (Held::unclear(own()), &yes, None, own()),
            (Held::unclear(own()), &no, Some(ok()), own()),
            (Held::nonsense(own()), &yes, Some(ok()), ok()),
            (Held::nonsense(own()), &yes, None, own()),
            (Held::nonsense(own()), &no, Some(ok()), no.clone()),
        ] {
            assert_eq!(held.settle(last, accepted), reply, "{last}");
        }
    }

    #[test]
    fn noise_is_not_passed_over_for_ever() {
        let mut oddities = Oddities::default();
        let passed = (0..1000).take_while(|_| oddities.takes_noise()).count();
        assert_eq!(passed, NOISE_MAX);
        assert!(oddities.is_any() && !oddities.is_holding());
    }
}
