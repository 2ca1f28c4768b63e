//! What is said to a destination, and what its replies mean.

use std::sync::Arc;

use crate::{
    context::Context,
    path::{ForwardPath, Mailbox, Parameter, ReversePath},
    reply::Reply,
    transaction::{Driver, Mail, Rcpt},
};

use super::{found::Answer, routes::Route};

/// What a destination has said.
#[derive(Debug)]
pub(super) struct Said {
    /// Of the recipient.
    pub(super) of_recipient: Answer,
    /// Of one that cannot be there, if that was asked.
    pub(super) of_nobody: Option<Answer>,
}

/// Asks whether mail for `recipient` would be taken; then, where it would, whether any for `nobody` would be.
///
/// # Cancel safety
///
/// Dropped before it ends, the transaction is given up.
pub(super) async fn converse(
    route: &Route,
    context: &Context,
    reverse_path: &ReversePath,
    recipient: ForwardPath,
    nobody: Option<ForwardPath>,
) -> Said {
    let mut context = context.on_behalf_of(&route.sender);
    // Where the client would have its message go is not where this goes.
    context.next_hop = None;
    let mail = mail(reverse_path, recipient.mailbox());
    let (mut driver, mut mail) = Driver::start(route.chain.clone(), Arc::new(context), mail);
    let pending = driver.rcpt(Rcpt::new(recipient)).await;
    let reply = driver.wait(pending).await;
    let of_recipient = match mail.look() {
        Some(mail) if mail.is_negative() => Answer::Unknown,
        // An endpoint need not answer MAIL before it knows for whom.
        Some(_) | None => meaning(reply),
    };
    let of_nobody = match nobody {
        Some(nobody) if of_recipient == Answer::Accepted => {
            let pending = driver.rcpt(Rcpt::new(nobody)).await;
            Some(meaning(driver.wait(pending).await))
        }
        _ => None,
    };
    Said {
        of_recipient,
        of_nobody,
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

/// What the reply to RCPT says of the recipient.
fn meaning(reply: Reply) -> Answer {
    // RFC 3463 section 3.8: security and policy. Without a message, and from another reverse-path, these say little.
    let is_policy = reply.enhanced().is_some_and(|code| code.subject() == 7);
    match () {
        () if reply.is_positive() => Answer::Accepted,
        () if reply.is_permanent() && !is_policy => {
            Answer::Refused(reply.without_extensions().relayed())
        }
        () => Answer::Unknown,
    }
}
