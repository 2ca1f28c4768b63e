//! The message of an attempt that has parts.

use std::{future::poll_fn, sync::Arc, task::Poll};

use crate::signals::{Departure, Gone, Stand};

use super::{Thread, spawn};

/// An attempt, and what is attempted for two of its legs.
fn divided() -> (Arc<Departure>, [Arc<Departure>; 2]) {
    let whole = Arc::new(Departure::default());
    let parts = [(); 2].map(|()| whole.part().part());
    (whole, parts)
}

/// Either the attempt is given up, or its parts leave.
pub fn what_is_given_up_does_not_leave() {
    let (whole, parts) = divided();
    let leaving = parts.map(|part| spawn(async move { part.may_go() }));
    let giving_up = spawn(async move { whole.give_up() });
    let [first, second] = leaving.map(Thread::join);
    assert_ne!(first || second, giving_up.join());
}

/// Whoever waits for an attempt to end hears that no part of it has left after all.
pub fn what_has_not_left_after_all_is_given_up() {
    let (whole, parts) = divided();
    assert!(parts.iter().all(|part| part.may_go()));
    let refused = parts.map(|part| spawn(async move { part.conclude(false) }));
    let giving_up = spawn(async move {
        poll_fn(|cx| {
            loop {
                let known = whole.gone();
                if known == Gone::No {
                    return Poll::Ready(());
                }
                if whole.stand(known, cx) == Stand::Same {
                    return Poll::Pending;
                }
            }
        })
        .await;
        whole.give_up()
    });
    refused.into_iter().for_each(Thread::join);
    assert!(giving_up.join());
}
