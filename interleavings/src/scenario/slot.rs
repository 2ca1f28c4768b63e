//! Where one command's reply goes.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use koukan_core::reply::Reply;

use crate::transaction::command;

use super::{executor::runtime, spawn};

/// Whoever waits gets the reply; whoever has looked before, too.
pub fn an_answer_is_heard() {
    let (slot, mut pending, _) = command();
    let asker = spawn(async move {
        match pending.look() {
            Some(reply) => reply,
            None => pending.await,
        }
    });
    let answerer = spawn(async move { slot.answer(Reply::recipient_ok()) });
    answerer.join();
    assert_eq!(asker.join(), Reply::recipient_ok());
}

/// Of two who answer, one does, and what is to see the reply sees it once.
pub fn the_first_answer_counts() {
    let (slot, pending, driver) = command();
    let seen = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&seen);
    let slot = slot.map_reply(move |reply| {
        counted.fetch_add(1, Ordering::Relaxed);
        reply
    });
    let beside = spawn(async move { driver.answer(Reply::mailbox_busy()) });
    let holder = spawn(async move { slot.answer(Reply::recipient_ok()) });
    let asker = spawn(pending);
    let reply = asker.join();
    assert!([Reply::mailbox_busy(), Reply::recipient_ok()].contains(&reply));
    beside.join();
    holder.join();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

/// A slot that is dropped while the call ends gets the final reply, however the two come: the grace
/// has not run out.
pub fn a_dropped_slot_gets_the_final_reply() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let (slot, pending, driver) = command();
    let asker = spawn(pending);
    let call = spawn(async move { drop(slot) });
    let end = spawn(async move { driver.answer(Reply::policy_refused()) });
    call.join();
    end.join();
    assert_eq!(asker.join(), Reply::policy_refused());
}
