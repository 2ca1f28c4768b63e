//! The right to work on a transaction, and what becomes of it.

use std::{future::poll_fn, time::Duration};

use koukan_core::reply::Reply;

use crate::{
    signals::Gone,
    storage::{
        CustodyError, Drain, Halt, Lease, Storage,
        record::{Due, FinalReason, Status, TransactionId, Work},
    },
};

use super::{
    executor::beside_executor,
    live::{TERMS, end, storage, whole},
    spawn,
};

/// What became of it, when all is quiet.
async fn status(storage: &Storage, id: TransactionId) -> Option<Status> {
    storage.flush().await;
    let found = storage.backend().find(id).await;
    found
        .expect("memory does not fail")
        .map(|stored| stored.status)
}

/// Ends an attempt as the output handler does.
async fn conclude(lease: Lease, halt: Halt) {
    let ended = match halt {
        Halt::Cancelled => lease.give_up(FinalReason::Cancelled).await,
        Halt::GiveBack => {
            lease.give_back().await;
            Ok(())
        }
        Halt::Stop => {
            let end = end(&lease, Reply::stopping());
            lease.finish(end).await
        }
    };
    ended.expect("memory does not fail");
}

/// Waits until the attempt is told to end, and ends it.
async fn until_halt(lease: Lease) {
    let halt = poll_fn(|cx| lease.poll_halt(cx, Gone::No)).await;
    conclude(lease, halt).await;
}

/// Runs an attempt, a cancel and a commit of one message beside each other.
fn cancel_beside<F>(attempt: impl FnOnce(Lease) -> F) -> (Storage, TransactionId)
where
    F: Future<Output = ()> + Send + 'static,
{
    let storage = storage();
    let (recorder, lease) = whole(&storage);
    let (id, watch) = (recorder.id(), recorder.watch());
    let output = spawn(attempt(lease));
    let canceller = spawn({
        let storage = storage.clone();
        async move { storage.cancel(&watch).await }
    });
    let input = spawn(async move { recorder.custody().take(TERMS).await });
    output.join();
    canceller.join().expect("memory does not fail");
    taken_or_gone(&input.join());
    (storage, id)
}

/// Whether the message was taken; otherwise it was gone before.
fn taken_or_gone(taken: &Result<(), CustodyError>) -> bool {
    assert!(
        matches!(taken, Ok(()) | Err(CustodyError::Gone)),
        "{taken:?}"
    );
    taken.is_ok()
}

/// The transaction ended for that reason, or was never written; nothing is left to be done.
async fn is_over(storage: &Storage, id: TransactionId, reason: FinalReason) {
    let status = status(storage, id).await;
    let is_so = |status: &Status| *status == Status::Final(reason);
    assert!(status.as_ref().is_none_or(is_so), "{status:?}");
    assert_eq!(due(storage).await, 0);
}

/// How many transactions can be had under lease, when all is quiet.
async fn due(storage: &Storage) -> usize {
    storage.flush().await;
    let leases = storage.lease_due(10, &[]).await;
    leases.expect("memory does not fail").len()
}

/// A message that upstream takes while it is committed is delivered, and is not due again.
pub fn a_delivery_during_the_commit_is_the_end() {
    let play = || {
        let storage = storage();
        let (recorder, lease) = whole(&storage);
        let id = recorder.id();
        let output = spawn(async move {
            let end = end(&lease, Reply::message_accepted());
            lease.finish(end).await
        });
        let input = spawn(async move { recorder.custody().take(TERMS).await });
        output.join().expect("memory does not fail");
        input.join().expect("the message is taken");
        (storage, id)
    };
    beside_executor(play, async |(storage, id)| {
        is_over(&storage, id, FinalReason::Delivered).await;
    });
}

/// A message whose attempt is dropped, at whatever moment of its commit, is due once more, and not at
/// once.
pub fn a_lease_dropped_during_the_commit_is_given_back() {
    let play = || {
        let storage = storage();
        let (recorder, lease) = whole(&storage);
        let id = recorder.id();
        let output = spawn(async move { drop(lease) });
        let input = spawn(async move { recorder.custody().take(TERMS).await });
        output.join();
        input.join().expect("the message is taken");
        (storage, id)
    };
    beside_executor(play, async |(storage, id)| {
        let soon = storage.clock().now() + Duration::from_secs(30);
        let status = status(&storage, id).await;
        let is_later = |due: &Due| due.work == Work::Attempt && due.at > soon;
        assert!(
            matches!(&status, Some(Status::Due(due)) if is_later(due)),
            "{status:?}"
        );
        let census = storage.backend().census().await;
        let census = census.expect("memory does not fail");
        assert_eq!((census.waiting, census.leased), (1, 0));
    });
}

/// A message whose attempt ends since the agent stops, at whatever moment of its commit, is due at
/// once.
pub fn a_lease_stopped_during_the_commit_is_due() {
    let play = || {
        let storage = storage();
        let (recorder, lease) = whole(&storage);
        let output = spawn({
            let storage = storage.clone();
            async move {
                storage.drain(Drain::Committed);
                drop(lease);
            }
        });
        let input = spawn(async move { recorder.custody().take(TERMS).await });
        output.join();
        input.join().expect("the message is taken");
        storage
    };
    beside_executor(play, async |storage| assert_eq!(due(&storage).await, 1));
}

/// A message that is cancelled while it is committed and attempted is cancelled, or was never
/// taken; where its attempt is given up nobody attempts it again.
pub fn a_cancel_during_the_commit_is_the_end() {
    let play = || cancel_beside(|lease| async move { drop(lease) });
    beside_executor(play, async |(storage, id)| {
        is_over(&storage, id, FinalReason::Cancelled).await;
    });
}

/// An attempt that hears of the cancel ends by it: nothing is left under lease, and nothing is sent
/// later.
pub fn a_cancel_that_the_attempt_hears_is_the_end() {
    let play = || cancel_beside(until_halt);
    beside_executor(play, async |(storage, id)| {
        is_over(&storage, id, FinalReason::Cancelled).await;
    });
}

/// Whoever stops the agent and waits until all is given back waits no longer than that, and what is
/// committed meanwhile can be had afterwards.
pub fn a_drain_waits_for_what_is_held() {
    let play = || {
        let storage = storage();
        let (recorder, lease) = whole(&storage);
        let output = spawn(until_halt(lease));
        let input = spawn(async move { recorder.custody().take(TERMS).await });
        let stop = spawn({
            let storage = storage.clone();
            async move {
                storage.drain(Drain::All);
                storage.given_back().await;
            }
        });
        stop.join();
        output.join();
        (storage, taken_or_gone(&input.join()))
    };
    beside_executor(play, async |(storage, is_taken)| {
        assert_eq!(due(&storage).await, usize::from(is_taken));
    });
}

/// Whoever waits for due transactions hears of one that is committed at whatever moment.
pub fn a_commit_is_heard_of_by_who_waits() {
    let play = || {
        let storage = storage();
        let (recorder, lease) = whole(&storage);
        let dispatcher = spawn({
            let storage = storage.clone();
            async move {
                loop {
                    let leases = storage.lease_due(10, &[]).await;
                    if let Some(lease) = leases.expect("memory does not fail").pop() {
                        let end = end(&lease, Reply::message_accepted());
                        return lease.finish(end).await;
                    }
                    storage.wait_due(&[]).await.expect("memory does not fail");
                }
            }
        });
        let input = spawn(async move {
            lease.leave();
            recorder.custody().take(TERMS).await
        });
        input.join().expect("the message is taken");
        dispatcher.join().expect("memory does not fail");
        storage
    };
    beside_executor(play, async |storage| {
        assert_eq!(due(&storage).await, 0);
    });
}
