//! Members of one task: they drive what they share in turn.

use std::{
    future::{Future, poll_fn},
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use crate::{
    body::Copies,
    reply::Reply,
    service::BoxMailService,
    stage::sharing::Sharing,
    test_util::{Answer, Script},
    transaction::{Aborted, Errand},
};

use super::direct::{Given, errand};

/// Takes a second for each step.
fn slow() -> Script {
    let later = |reply| Answer::After(Duration::from_secs(1), reply);
    Script::new()
        .other_rcpts(later(Reply::recipient_ok()))
        .message(later(Reply::message_accepted()))
}

fn two(destination: &Script) -> (Copies, Errand<Given>, Errand<Given>) {
    let service: BoxMailService = Sharing::new(destination.clone()).boxed();
    let copies = Copies::of_one_task();
    let first = errand(&service, &copies, &["b@y"]);
    let second = errand(&service, &copies, &["c@y"]);
    (copies, first, second)
}

async fn is_pending(errand: &mut Errand<Given>) -> bool {
    poll_fn(|cx| Poll::Ready(errand.poll_end(cx).is_pending())).await
}

async fn end(mut errand: Errand<Given>) -> Result<Reply, Aborted> {
    poll_fn(move |cx| errand.poll_end(cx)).await
}

async fn soon<T>(end: impl Future<Output = T>) -> T {
    let end = timeout(Duration::from_secs(10), end).await;
    end.expect("nobody waits for ever")
}

fn recipients(destination: &Script) -> Vec<Vec<String>> {
    let received = destination.received().into_iter();
    let whole = received.filter(|received| !received.body.is_empty());
    whole
        .map(|received| {
            received
                .recipient_texts()
                .iter()
                .map(ToString::to_string)
                .collect()
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn they_need_no_task_of_their_own() {
    let destination = slow();
    let (copies, first, second) = two(&destination);
    copies.close();
    let tasks = async {
        sleep(Duration::from_millis(1500)).await;
        Handle::current().metrics().num_alive_tasks()
    };
    let (first, second, tasks) = soon(async { tokio::join!(end(first), end(second), tasks) }).await;
    assert_eq!(
        (first, second),
        (Ok(Reply::message_accepted()), Ok(Reply::message_accepted()))
    );
    assert_eq!(tasks, 0);
    assert_eq!(recipients(&destination), [["b@y", "c@y"]]);
}

#[tokio::test(start_paused = true)]
async fn another_drives_where_the_one_that_did_is_dropped() {
    for is_second in [false, true] {
        let destination = slow();
        let (copies, mut first, mut second) = two(&destination);
        assert!(is_pending(&mut first).await && is_pending(&mut second).await);
        let (stays, goes, to) = match is_second {
            true => (first, second, "b@y"),
            false => (second, first, "c@y"),
        };
        let stays = tokio::spawn(end(stays));
        sleep(Duration::from_millis(500)).await;
        drop(goes);
        copies.close();
        assert_eq!(soon(stays).await.unwrap(), Ok(Reply::message_accepted()));
        assert_eq!(recipients(&destination), [[to]]);
    }
}

/// Like an attempt whose client has been told that it takes too long.
#[tokio::test(start_paused = true)]
async fn one_that_goes_on_in_another_task_is_a_member_as_before() {
    for is_second in [false, true] {
        let destination = slow();
        let (copies, mut first, mut second) = two(&destination);
        copies.close();
        assert!(is_pending(&mut first).await && is_pending(&mut second).await);
        let (stays, moves) = match is_second {
            true => (first, second),
            false => (second, first),
        };
        let moved = tokio::spawn(end(moves));
        let stays = soon(end(stays)).await;
        assert_eq!(stays, Ok(Reply::message_accepted()));
        assert_eq!(soon(moved).await.unwrap(), Ok(Reply::message_accepted()));
        assert_eq!(recipients(&destination).concat().len(), 2);
        assert_eq!(recipients(&destination).len(), 1);
    }
}

/// A member that is answered before the others leaves to them what it has driven.
#[tokio::test(start_paused = true)]
async fn one_that_is_refused_early_leaves_the_rest_to_others() {
    let destination = slow().rcpt("c@y", Reply::no_such_user());
    let (copies, first, second) = two(&destination);
    copies.close();
    let (first, second) = soon(async { tokio::join!(end(first), end(second)) }).await;
    assert_eq!(first, Ok(Reply::message_accepted()));
    assert_eq!(second, Ok(Reply::no_such_user()));
    let all = recipients(&destination);
    assert_eq!(all.len(), 1, "{all:?}");
}

/// A waker that makes a member leave when it is dropped.
struct Leaves(Mutex<Option<Errand<Given>>>);

impl Wake for Leaves {
    fn wake(self: Arc<Self>) {}
}

/// As if both continued in tasks of their own, in different threads.
#[tokio::test(start_paused = true)]
async fn one_that_is_polled_while_another_leaves_goes_on_with_what_that_one_has_driven() {
    let destination = slow();
    let (copies, mut first, mut second) = two(&destination);
    copies.close();
    assert!(is_pending(&mut first).await && is_pending(&mut second).await);
    let leaves = Arc::new(Leaves(Mutex::default()));
    let waker = Waker::from(Arc::clone(&leaves));
    let is_pending = { first.poll_end(&mut Context::from_waker(&waker)) }.is_pending();
    assert!(is_pending);
    *leaves.0.lock().unwrap() = Some(second);
    drop((waker, leaves));
    // This poll drops the waker of the one before.
    assert_eq!(soon(end(first)).await, Ok(Reply::message_accepted()));
    // It was on its way to both.
    assert_eq!(recipients(&destination), [["b@y", "c@y"]]);
}
