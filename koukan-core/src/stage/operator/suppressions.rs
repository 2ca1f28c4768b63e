//! Suppressed addresses of senders.

use jiff::Timestamp;

use crate::{
    resource::{
        Caller, QueueChanged, QueueResponse, Refusal, RefusalKind, SuppressionAsked,
        SuppressionOperation, SuppressionsListed,
    },
    storage::record::{Suppression, suppressed_address},
};

use super::Operator;

/// The default and the maximum number of addresses in one list.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

impl Operator {
    pub(super) async fn suppressions(
        self,
        caller: Caller,
        operation: SuppressionOperation,
    ) -> Result<QueueResponse, Refusal> {
        let SuppressionOperation { sender, what } = operation;
        let Some(expiry) = self.storage.suppresses_for(&sender) else {
            let detail =
                "there is no such sender, or its configuration says nothing of `suppression`";
            return Err(Refusal::new(RefusalKind::NotFound, detail));
        };
        match what {
            SuppressionAsked::List { limit, after } => {
                let limit = match limit {
                    0 => LIMIT,
                    limit => limit.min(LIMIT_MAX),
                };
                let after = after.as_deref();
                self.storage.catch_up().await?;
                // One more, to know whether there are further ones.
                let mut listed = self.storage.suppressions(&sender, after, limit + 1);
                let is_cut = listed.len() > limit;
                listed.truncate(limit);
                let last = listed.last().filter(|_| is_cut);
                Ok(QueueResponse::Suppressions(SuppressionsListed {
                    next: last.map(|last| last.address.clone()),
                    suppressions: listed,
                }))
            }
            SuppressionAsked::Show(mailbox) => {
                self.storage.catch_up().await?;
                let found = self.storage.suppression(&sender, &mailbox);
                found.map(shown).ok_or_else(not_suppressed)
            }
            SuppressionAsked::Keep { mailbox, reason } => {
                let now = self.storage.clock().now();
                let one = Suppression {
                    sender,
                    address: suppressed_address(&mailbox),
                    since: now,
                    until: now.checked_add(expiry).unwrap_or(Timestamp::MAX),
                    reason: Suppression::reason(reason.as_deref().unwrap_or("by an operator")),
                };
                // It continues if the caller disconnects.
                self.detached(async move |this: Self| {
                    this.storage.keep_suppression(one.clone()).await?;
                    this.report_one(&caller, "suppress", &one);
                    Ok(shown(one))
                })
                .await
            }
            SuppressionAsked::Remove(mailbox) => {
                self.detached(async move |this: Self| {
                    let removed = this.storage.remove_suppression(&sender, &mailbox);
                    let removed = removed.await?.ok_or_else(not_suppressed)?;
                    this.report_one(&caller, "remove_suppression", &removed);
                    Ok(shown(removed))
                })
                .await
            }
        }
    }

    fn report_one(&self, caller: &Caller, action: &str, one: &Suppression) {
        let changed = QueueChanged {
            matched: 1,
            changed: 1,
            ..QueueChanged::default()
        };
        let target = format!("{} {}", one.sender, one.address);
        self.report(caller, action, &target, &changed);
    }
}

fn shown(one: Suppression) -> QueueResponse {
    QueueResponse::Suppression(Box::new(one))
}

fn not_suppressed() -> Refusal {
    Refusal::new(RefusalKind::NotFound, "the address is not suppressed")
}
