//! Who may create a transaction, and what a create must contain.

use crate::{
    context::Sender,
    resource::{Caller, Draft, Refusal, RefusalKind},
    signals::SendAt,
};

use super::super::{Dialect, SenderPolicy, service::Shared};

impl Shared {
    /// The policy of a sender for whom the caller may act.
    pub(super) fn policy(&self, caller: &Caller, sender: &Sender) -> Result<SenderPolicy, Refusal> {
        if !caller.may_act_for(&sender.name) {
            let detail = "transactions may not be created for that sender";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        let policy = self.senders.find(sender).ok_or_else(|| {
            if self.senders.has(&sender.name) {
                Refusal::not_found("the sender has no such tag").at("sender.tag")
            } else {
                Refusal::not_found("there is no such sender")
            }
        })?;
        if policy.dialect == Dialect::Whole && self.attempts.keeps_nothing() {
            return Err(Refusal::no_room());
        }
        if policy.has_next_hop && !caller.is_trusted() {
            let detail = "the sender connects to hosts that its clients name: \
                          it is for trusted clients only";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        Ok(policy)
    }

    /// Whether the request makes a transaction under that policy.
    pub(super) fn check(&self, policy: &SenderPolicy, draft: &Draft) -> Result<(), Refusal> {
        self.check_count(draft.rcpt_to.len())?;
        self.check_hold(policy.dialect, draft)?;
        if policy.needs_next_hop && draft.remote_host.is_none() {
            let detail = "missing: the host to deliver to, as [\"192.0.2.1\", 25]";
            return Err(Refusal::malformed(detail).at("remote_host"));
        }
        if policy.dialect == Dialect::Incremental {
            return check_promises(draft);
        }
        if draft.mail_from.is_none() {
            let detail = "missing: who the message is from, as {\"m\": \"alice@example.com\"}";
            return Err(Refusal::malformed(detail).at("mail_from"));
        }
        if draft.rcpt_to.is_empty() {
            let detail = "missing: whom the message is to, as [{\"m\": \"bob@example.com\"}]";
            return Err(Refusal::malformed(detail).at("rcpt_to"));
        }
        Ok(())
    }

    /// Whether the SMTP parameters for a later release are allowed here: HOLDFOR and HOLDUNTIL are
    /// for gateways, whose transactions are made step by step.
    pub(in super::super) fn check_hold(
        &self,
        dialect: Dialect,
        draft: &Draft,
    ) -> Result<(), Refusal> {
        let held = draft.mail_from.as_ref().filter(|mail| mail.is_to_be_held());
        let Some(mail) = held else { return Ok(()) };
        let refused = |detail: String| Err(Refusal::malformed(detail).at("mail_from.e"));
        if dialect == Dialect::Whole {
            return refused("HOLDFOR and HOLDUNTIL are for SMTP: say `send_at`".into());
        }
        let now = self.storage.clock().now();
        let checked = mail.check_hold(now, self.settings.max_send_at);
        checked.or_else(|error| refused(error.to_string()))
    }

    /// The time of sending that the request gives, unless it is now.
    pub(super) fn send_at(&self, draft: &Draft) -> Result<Option<SendAt>, Refusal> {
        let now = self.storage.clock().now();
        let Some(at) = draft.send_at.filter(|at| *at > now) else {
            return Ok(None);
        };
        let max = self.settings.max_send_at;
        if now.checked_add(max).is_ok_and(|latest| at > latest) {
            let seconds = max.as_secs();
            let detail = format!("must be {seconds} seconds from now at most");
            return Err(Refusal::malformed(detail).at("send_at"));
        }
        Ok(Some(SendAt::new(at)))
    }

    /// Whether a transaction may have that many recipients.
    pub(in super::super) fn check_count(&self, recipients: usize) -> Result<(), Refusal> {
        let max = self.settings.max_recipients;
        if recipients > max {
            let detail = format!("there may be {max} recipients at most");
            return Err(Refusal::malformed(detail).at("rcpt_to"));
        }
        Ok(())
    }
}

/// The client of a transaction that is made step by step waits for the answers, and retries and
/// notifies by itself: nothing can be promised here.
pub(in super::super) fn check_promises(draft: &Draft) -> Result<(), Refusal> {
    let promises = [("retry", draft.retry), ("notification", draft.notification)];
    for (field, promise) in promises {
        if promise == Some(true) {
            let detail = "is not allowed for this sender, whose clients wait for the replies and \
                          do that themselves; leave it out";
            return Err(Refusal::malformed(detail).at(field));
        }
    }
    if draft.send_at.is_some() {
        let detail =
            "is not allowed for this sender, whose clients wait for the replies; leave it out";
        return Err(Refusal::malformed(detail).at("send_at"));
    }
    Ok(())
}
