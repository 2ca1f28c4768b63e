//! The commands to a destination, and the meaning of its replies.

use std::sync::Arc;

use crate::{
    beginning::beginning,
    context::Context,
    path::{ForwardPath, Mailbox, Parameter, ReversePath},
    reply::Reply,
    transaction::{Driver, Mail, Pending, Rcpt},
};

use super::{found::Answer, routes::Route};

/// A transaction that never gets a message. Dropping it abandons it.
pub(super) struct Conversation {
    driver: Driver,
    /// The reply to MAIL, until it is read.
    mail: Option<Pending>,
}

impl Conversation {
    /// Sends MAIL, as needed for `recipient`.
    pub(super) fn begin(
        route: &Route,
        context: &Context,
        reverse_path: &ReversePath,
        recipient: &ForwardPath,
    ) -> Self {
        let context = context.on_behalf_of(&route.sender);
        let mail = mail(reverse_path, recipient.mailbox());
        let (driver, mail) = Driver::start(route.chain.clone(), Arc::new(context), mail);
        Self {
            driver,
            mail: Some(mail),
        }
    }

    /// Asks whether mail for this recipient would be accepted.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing more can be asked.
    pub(super) async fn ask(&mut self, recipient: ForwardPath) -> Answer {
        let pending = self.driver.rcpt(Rcpt::new(recipient)).await;
        let reply = self.driver.wait(pending).await;
        // An endpoint may delay its answer to MAIL until it knows the recipient.
        match self.mail.as_mut().and_then(Pending::look) {
            Some(mail) if mail.is_negative() => return Answer::Unknown,
            Some(_) => self.mail = None,
            None => {}
        }
        meaning(reply)
    }
}

fn mail(reverse_path: &ReversePath, recipient: Option<&Mailbox>) -> Mail {
    let mut mail = Mail::new(reverse_path.clone());
    let is_ascii = |mailbox: Option<&Mailbox>| mailbox.is_none_or(Mailbox::is_ascii);
    if !is_ascii(recipient) || !is_ascii(reverse_path.mailbox()) {
        // RFC 6531 section 3.4. It is well-formed, and there only once.
        let utf8 = Parameter::new("SMTPUTF8", None);
        let _ = utf8.and_then(|utf8| mail.parameters.push(utf8));
    }
    mail
}

/// How much of a refusal's text is remembered, in octets: there are thousands, and each could have many kilobytes.
const TEXT_MAX: usize = 512;

/// The reply as it is remembered, without extensions.
fn brief(reply: Reply) -> Reply {
    let text = reply.text();
    if text.len() <= TEXT_MAX {
        return reply.without_extensions();
    }
    let text = beginning(text, TEXT_MAX).to_owned();
    Reply::new(reply.code(), reply.enhanced(), text)
}

/// What the reply to RCPT says about the recipient.
fn meaning(reply: Reply) -> Answer {
    // RFC 3463 section 3.8: security and policy. Without a message, and from another reverse-path, such a refusal
    // means little.
    let is_policy = reply.enhanced().is_some_and(|code| code.subject() == 7);
    match () {
        () if reply.is_positive() => Answer::Accepted,
        () if reply.is_permanent() && !is_policy => Answer::Refused(brief(reply).relayed()),
        () => Answer::Unknown,
    }
}
