//! One transaction in memory, where its two sides and its readers meet.

use std::{future::poll_fn, sync::Arc, task::Poll};

use koukan_core::{
    reply::Reply,
    test_util::{TokioClock, context, mail, rcpt},
};
use shuttle::future::block_on;

use crate::{
    blob::{Blob, BlobPool},
    signals::Gone,
    storage::{
        AttemptEnd, Halt, Lease, MemoryBackend, Recorder, Storage, UpstreamReply,
        record::{Attempt, Terms},
    },
};

use super::{
    executor::{beside_executor, runtime},
    spawn,
};

pub(super) const TERMS: Terms = Terms {
    retry: true,
    notify: false,
};

/// Storage in memory; within a runtime.
pub(super) fn storage() -> Storage {
    let clock = Arc::new(TokioClock::default());
    let backend = Arc::new(MemoryBackend::new());
    let opened = block_on(Storage::open(backend, BlobPool::default(), clock));
    opened.expect("memory does not fail")
}

/// A transaction whose message is there.
pub(super) fn whole(storage: &Storage) -> (Recorder, Lease) {
    let (recorder, lease) = begun(storage);
    give(&recorder);
    (recorder, lease)
}

/// A transaction that has a sender.
fn begun(storage: &Storage) -> (Recorder, Lease) {
    let begun = storage.begin(context(), mail("a@x"));
    begun.expect("there is room")
}

/// Adds its recipient and its message.
fn give(recorder: &Recorder) {
    recorder.rcpt(rcpt("b@y"));
    recorder.body(Vec::new(), Blob::from_bytes("\r\nhello\r\n".into()));
}

/// The end of an attempt with that final reply.
pub(super) fn end(lease: &Lease, reply: Reply) -> AttemptEnd {
    let now = lease.created();
    AttemptEnd {
        attempt: Box::new(Attempt {
            final_reply: reply,
            ..Attempt::broken_off(now, Some(Reply::sender_ok()), vec![None])
        }),
        retry_at: Some(now),
    }
}

async fn attempt(mut lease: Lease) {
    lease.answer(UpstreamReply::Mail(Reply::sender_ok()));
    while let Some((position, _)) = poll_fn(|cx| lease.poll_recipient(cx)).await {
        lease.answer(UpstreamReply::Rcpt(position, Reply::recipient_ok()));
    }
    poll_fn(|cx| lease.poll_body(cx)).await;
    let end = end(&lease, Reply::message_accepted());
    lease.finish(end).await.expect("memory does not fail");
}

async fn answers(recorder: &mut Recorder) -> Vec<UpstreamReply> {
    let mut answers = Vec::new();
    loop {
        answers.push(recorder.answer().await);
        if let Some(UpstreamReply::Final(_)) = answers.last() {
            return answers;
        }
    }
}

fn all_answers() -> Vec<UpstreamReply> {
    vec![
        UpstreamReply::Mail(Reply::sender_ok()),
        UpstreamReply::Rcpt(0, Reply::recipient_ok()),
        UpstreamReply::Final(Reply::message_accepted()),
    ]
}

/// The output side sees every request, the input side every reply, in order.
pub fn both_sides_hear_of_each_other() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let storage = storage();
    let (mut recorder, lease) = begun(&storage);
    let output = spawn(attempt(lease));
    let input = spawn(async move {
        give(&recorder);
        answers(&mut recorder).await
    });
    output.join();
    assert_eq!(input.join(), all_answers());
}

/// Whoever reads hears of every change, and so of the last.
pub fn a_reader_hears_of_the_last_change() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let storage = storage();
    let (recorder, lease) = whole(&storage);
    let mut watch = recorder.watch();
    let reader = spawn(async move {
        loop {
            if let Some(reply) = watch.snapshot().final_reply {
                return reply;
            }
            watch.changed().await;
        }
    });
    let output = spawn(attempt(lease));
    output.join();
    assert_eq!(reader.join(), Reply::message_accepted());
}

/// An attempt that waits hears that the transaction was cancelled, by its reader or by the end of its
/// originator.
pub fn a_cancel_reaches_the_attempt() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let storage = storage();
    let (recorder, lease) = whole(&storage);
    let watch = recorder.watch();
    let output = spawn(async move { poll_fn(|cx| lease.poll_halt(cx, Gone::No)).await });
    let canceller = spawn(async move { storage.cancel(&watch).await });
    let originator = spawn(async move { drop(recorder) });
    assert_eq!(output.join(), Halt::Cancelled);
    canceller.join().expect("memory does not fail");
    originator.join();
}

/// An attempt that was polled in the originator's task is heard when it goes on elsewhere.
pub fn an_attempt_that_moved_is_heard() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let storage = storage();
    let (mut recorder, lease) = begun(&storage);
    let input = spawn(async move {
        let mut output = Box::pin(attempt(lease));
        poll_fn(|cx| {
            assert!(output.as_mut().poll(cx).is_pending());
            assert!(recorder.poll_answer(cx).is_ready());
            assert!(recorder.poll_answer(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let output = spawn(output);
        give(&recorder);
        let answers = answers(&mut recorder).await;
        (answers, output)
    });
    let (answers, output) = input.join();
    assert_eq!(answers, all_answers()[1..]);
    output.join();
}

/// However many look for a transaction while its last holder lets go of it, those who hold it hold
/// the same.
pub fn a_transaction_is_live_once() {
    let play = || {
        let storage = storage();
        let (recorder, lease) = whole(&storage);
        let first = recorder.watch();
        lease.leave();
        let taken = block_on(recorder.custody().take(TERMS));
        taken.expect("the message is taken");
        drop(recorder);
        let id = first.id();
        let last = spawn(async move { drop(first) });
        let others = [0, 1].map(|_| {
            let storage = storage.clone();
            spawn(async move { storage.watch(id).await })
        });
        last.join();
        let found = others.map(|other| {
            let found = other.join().expect("memory does not fail");
            found.expect("it is committed")
        });
        (storage, found)
    };
    beside_executor(play, async |(storage, [one, mut other])| {
        other.snapshot();
        storage.cancel(&one).await.expect("memory does not fail");
        other.changed().await;
    });
}
