//! The behaviour of a backend with a defect.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::storage::record::{
    Leased, NewTransaction, SessionId, Settlement, Status, TransactionId, Work,
};

use super::{Defect, FaultyBackend};

/// How long after its acknowledgement a transaction is written, with that defect.
const LATE: Duration = Duration::from_secs(2);

/// How often a settlement is repeated, a second apart.
const TRIES: u32 = 30 * 60;

impl FaultyBackend {
    /// Writes a transaction as the defect determines, if it is affected.
    pub(super) fn write_wrongly(&self, new: &NewTransaction) -> bool {
        match self.faults.defect {
            Some(Defect::AcknowledgedBeforeCommit) => {
                let (inner, new) = (Arc::clone(&self.inner), new.clone());
                tokio::spawn(async move {
                    sleep(LATE).await;
                    let _ = inner.insert(new).await;
                });
                true
            }
            Some(Defect::LegForgotten) => self.random.happens(200),
            _ => false,
        }
    }

    pub(super) fn given_out(&self, mut leased: Leased) -> Leased {
        if self.faults.defect == Some(Defect::LeaseForOtherWork)
            && let Status::Due(due) = &mut leased.transaction.status
            && due.work == Work::Notify
        {
            due.work = Work::Abandon;
        }
        leased
    }

    /// Gives leases of companions to others as well.
    pub(super) async fn share(&self, leased: &[Leased], session: SessionId) {
        if self.faults.defect != Some(Defect::CompanionsShared) {
            return;
        }
        for one in leased {
            let released = self.inner.release(one.transaction.id, session, one.fence);
            // It is under that lease.
            let _ = released.await;
        }
    }

    /// Releases a lease that was already released or settled.
    pub(super) async fn release_again(&self, id: TransactionId, session: SessionId, fence: u64) {
        if self.faults.defect != Some(Defect::ReleasedTwice) {
            return;
        }
        // Whichever session has it by now loses it.
        for fence in fence..fence + 3 {
            let _ = self.inner.release(id, session, fence).await;
        }
    }

    /// With the fence forgotten, a settlement that arrives again, when another session has the
    /// lease, is written again.
    pub(super) fn settle_late(&self, settlement: &Settlement) {
        let is_over = matches!(settlement.status, Status::Final(_));
        if self.faults.defect != Some(Defect::FenceForgotten) || is_over {
            return;
        }
        let inner = Arc::clone(&self.inner);
        let mut settlement = settlement.clone();
        settlement.fence += 1;
        tokio::spawn(async move {
            for _ in 0..TRIES {
                sleep(Duration::from_secs(1)).await;
                if inner.settle(settlement.clone()).await.is_ok() {
                    return;
                }
            }
        });
    }
}
