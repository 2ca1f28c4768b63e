//! The slots of a transaction.

#[path = "../../koukan-core/src/transaction/slot/mod.rs"]
pub(crate) mod slot;

pub(crate) use koukan_core::transaction::{Driver, Mail, Rcpt};

use koukan_core::reply::Reply;

use self::slot::{Pending, Slot};

/// What the driver of a transaction keeps of a command: the right to answer it at the end.
pub(crate) struct Asked(slot::Place);

/// A command's slot, its reply to come, and what the driver keeps.
pub(crate) fn command() -> (Slot, Pending, Asked) {
    let (slot, pending) = slot::slot(0);
    let asked = Asked(pending.place());
    (slot, pending, asked)
}

impl Asked {
    /// Answers unless that was done.
    pub(crate) fn answer(&self, reply: Reply) {
        self.0.answer(reply);
    }
}
