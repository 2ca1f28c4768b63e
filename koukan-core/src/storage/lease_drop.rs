//! What becomes of a lease that is dropped.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::reply::Reply;

use super::{
    Answer, Lease,
    live::{Durability, Side},
};

/// How long a transaction waits in whose attempt a bug has shown.
const AFTER_PANIC: Duration = Duration::from_secs(60);

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_finished || self.live.lock().begins_again {
            return;
        }
        let durability = self.live.update(Side::Output, |state| {
            state.is_abandoned = true;
            match state.durability {
                // Whoever was promised something reads of attempts that are written down.
                Durability::Draft | Durability::Leased { .. } => {
                    state.answers.clear();
                    state.attempt_count = self.attempt_count;
                }
                _ => state.answers.push(Answer::Final(Reply::local_error())),
            }
            state.durability
        });
        let Durability::Leased { fence, .. } = durability else {
            return;
        };
        let live = Arc::clone(&self.live);
        if std::thread::panicking() {
            // Were it due at once, it would do so again and again.
            let until = self.storage.clock().now().checked_add(AFTER_PANIC);
            let due = self.due(until.unwrap_or(Timestamp::MAX));
            self.storage.postpone_in_background(live, fence, due);
        } else {
            self.storage.release_in_background(live, fence);
        }
    }
}
