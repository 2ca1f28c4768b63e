//! One recipient's transaction.

use std::{future::Future, sync::Arc};

use crate::{
    context::Context,
    reply::Reply,
    service::MailService,
    signals::Signals,
    storage::Custody,
    transaction::{Aborted, Command, Driver, Mail, Rcpt},
};

use super::{Policy, leg_channel::Taker, reduce};

/// How a leg ended.
pub(super) struct LegEnd {
    /// The position of its recipient.
    pub(super) position: usize,
    /// The final reply, or that to RCPT where it refused the recipient.
    pub(super) reply: Reply,
    /// Whether the recipient was accepted.
    pub(super) is_accepted: bool,
}

/// Runs a leg: answers RCPT, then waits for `body`, and ends with the final reply.
pub(super) async fn run<S: MailService>(
    service: S,
    policy: Policy,
    context: Arc<Context>,
    signals: Signals,
    mail: Mail,
    rcpt: Command<Rcpt>,
    body: Taker,
) -> Result<LegEnd, Aborted> {
    let position = rcpt.position();
    let (rcpt, slot) = rcpt.into_parts();
    // The reply to MAIL is not waited for: where it refuses, it answers RCPT as well.
    let (mut driver, _mail) = Driver::start_with(service, context, mail, signals);
    let pending = driver.rcpt(rcpt).await;
    driver.data();
    let reply = driver.wait(pending).await;
    let can_take = reply.extensions().get::<Custody>().is_some();
    let reply = reduce::rcpt_reply(policy, reply, can_take);
    if !reply.is_positive() {
        body.answer(slot, reply.clone());
        return Ok(LegEnd {
            position,
            reply,
            is_accepted: false,
        });
    }
    body.answer(slot, reply);
    let body = with(&mut driver, body.take()).await?;
    driver.whole_body(body);
    let reply = driver.finish().await;
    Ok(LegEnd {
        position,
        reply,
        is_accepted: true,
    })
}

/// Waits for `other` while the driver goes on.
async fn with<F: Future>(driver: &mut Driver, other: F) -> F::Output {
    let mut other = std::pin::pin!(other);
    tokio::select! {
        biased;
        output = &mut other => return output,
        () = driver.progress() => {}
    }
    other.await
}
