//! Members that leave when the message is about to start: it will be sent to them again, so not
//! now.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::Notify, task::yield_now, time::timeout};
use tower::{BoxError, service_fn};

use crate::{
    body::Copies,
    reply::Reply,
    service::{BoxMailService, MailService, begin},
    signals::{Departure, Gone, Orders},
    stage::sharing::Sharing,
    transaction::{Command, Errand, Mail, Transaction},
};

use super::{
    answers::{Other, with_hook},
    direct::{Given, errand, given, start},
};

type Held = Arc<Mutex<Option<Command<Mail>>>>;
type Delivered = Arc<Mutex<Vec<Vec<String>>>>;

/// Leaves the first MAIL for others to answer.
fn endpoint(held: &Held, delivered: &Delivered) -> impl MailService {
    let (held, delivered) = (Arc::clone(held), Arc::clone(delivered));
    let is_first = Arc::new(Mutex::new(true));
    service_fn(move |transaction: Transaction| {
        let Transaction {
            mail,
            mut recipients,
            body,
            ..
        } = transaction;
        match std::mem::take(&mut *is_first.lock().unwrap()) {
            true => *held.lock().unwrap() = Some(mail),
            false => mail.answer(Reply::sender_ok()),
        }
        let delivered = Arc::clone(&delivered);
        async move {
            let mut to = Vec::new();
            while let Some(rcpt) = recipients.next().await? {
                to.push(rcpt.forward_path().as_str().to_owned());
                rcpt.answer(Reply::recipient_ok());
            }
            body.collect(1 << 20).await?;
            delivered.lock().unwrap().push(to);
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    })
}

async fn is_pending(errand: &mut Errand<Given>) -> bool {
    poll_fn(|cx| Poll::Ready(errand.poll_end(cx).is_pending())).await
}

/// Lets all go on that can, while neither of them ends.
async fn both_wait(first: &mut Errand<Given>, second: &mut Errand<Given>) {
    for _ in 0..3 {
        assert!(is_pending(first).await && is_pending(second).await);
        yield_now().await;
    }
}

async fn is_accepted(mut errand: Errand<Given>) {
    let end = timeout(
        Duration::from_secs(1),
        poll_fn(move |cx| errand.poll_end(cx)),
    );
    assert_eq!(end.await.unwrap(), Ok(Reply::message_accepted()));
}

/// A member that can be ended, and how far its message has gone.
fn attempt(service: &BoxMailService, copies: &Copies, to: &str) -> (Errand<Given>, Arc<Departure>) {
    attempt_of(Departure::default(), service, copies, to)
}

fn attempt_of(
    departure: Departure,
    service: &BoxMailService,
    copies: &Copies,
    to: &str,
) -> (Errand<Given>, Arc<Departure>) {
    let (mut start, departure) = (start(copies), Arc::new(departure));
    start.signals = start.signals.branch_for(Arc::clone(&departure), None);
    let (upstream, mail) = begin(service.clone(), start);
    (Errand::new(given(&[to]), upstream, Some(mail)), departure)
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_does_not_go_with_what_others_bring() {
    let (held, delivered) = (Held::default(), Delivered::default());
    let service = Sharing::new(endpoint(&held, &delivered)).boxed();
    let copies = Copies::new();
    let mut first = errand(&service, &copies, &["b@y"]);
    let (mut second, departure) = attempt(&service, &copies, "c@y");
    assert!(is_pending(&mut first).await && is_pending(&mut second).await);
    // An attempt that has ended says so before it is dropped.
    assert!(departure.give_up());
    copies.close();
    is_accepted(first).await;
    assert_eq!(*delivered.lock().unwrap(), [["b@y"]]);
    drop(second);
}

/// As if another thread stopped a member while its group has decided to start.
#[tokio::test(start_paused = true)]
async fn who_leaves_before_the_message_is_given_is_not_sent_it() {
    let (held, delivered) = (Held::default(), Delivered::default());
    let sharing = Sharing::new(endpoint(&held, &delivered));
    let other = Other::default();
    let hook = {
        let other = Arc::clone(&other);
        move || drop(other.lock().unwrap().take())
    };
    let copies = Copies::new();
    let (upstream, mail) = begin(with_hook(sharing.clone(), hook), start(&copies));
    let mut first = Errand::new(given(&["b@y"]), upstream, Some(mail));
    let mut second = errand(&sharing.boxed(), &copies, &["c@y"]);
    assert!(is_pending(&mut first).await && is_pending(&mut second).await);
    *other.lock().unwrap() = Some(second);
    yield_now().await;
    // Both are noticed at once: MAIL is answered, and the message may start.
    copies.close();
    let mail = held.lock().unwrap().take().unwrap();
    mail.answer(Reply::sender_ok());
    is_accepted(first).await;
    assert_eq!(*delivered.lock().unwrap(), [["b@y"]]);
    assert!(other.lock().unwrap().is_none());
}

/// Reads the message at once, and says when it leaves: once it is told to go on.
fn holding(go: &Arc<Notify>, delivered: &Delivered) -> BoxMailService {
    let (go, delivered) = (Arc::clone(go), Arc::clone(delivered));
    BoxMailService::new(service_fn(move |transaction: Transaction| {
        let departure = transaction.signals.departure().cloned();
        let held = departure.as_ref().map(Departure::hold);
        let (go, delivered) = (Arc::clone(&go), Arc::clone(&delivered));
        async move {
            let _held = held;
            transaction.mail.answer(Reply::sender_ok());
            let (mut recipients, mut to) = (transaction.recipients, Vec::new());
            while let Some(rcpt) = recipients.next().await? {
                to.push(rcpt.forward_path().as_str().to_owned());
                rcpt.answer(Reply::recipient_ok());
            }
            transaction.body.collect(1 << 20).await?;
            go.notified().await;
            if !departure.is_some_and(|departure| departure.may_go()) {
                std::future::pending::<()>().await;
            }
            delivered.lock().unwrap().push(to);
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    }))
}

/// What an attempt is told.
struct Told(AtomicBool);

impl Orders for Told {
    fn must_end(&self, _: Gone) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn poll_must_end(&self, _: &Context<'_>, gone: Gone) -> bool {
        self.must_end(gone)
    }

    fn is_cancelled(&self) -> bool {
        false
    }

    fn is_overdue(&self) -> bool {
        false
    }

    fn wake(&self) {}
}

/// Its task has not noticed yet that it must end: before the message is given, or when it is to leave.
#[tokio::test(start_paused = true)]
async fn who_must_end_by_then_is_not_sent_it() {
    for is_given in [false, true] {
        let (go, delivered) = (Arc::new(Notify::new()), Delivered::default());
        let service = Sharing::new(holding(&go, &delivered)).boxed();
        let copies = Copies::new();
        let (mut first, _) = attempt(&service, &copies, "b@y");
        let told = Arc::new(Told(AtomicBool::new(false)));
        let orders: Arc<dyn Orders> = Arc::<Told>::clone(&told);
        let departure = Departure::under(Arc::downgrade(&orders));
        let (mut second, second_goes) = attempt_of(departure, &service, &copies, "c@y");
        assert!(is_pending(&mut first).await && is_pending(&mut second).await);
        told.0.store(!is_given, Ordering::Relaxed);
        copies.close();
        both_wait(&mut first, &mut second).await;
        told.0.store(true, Ordering::Relaxed);
        if is_given {
            // The call is dropped when it asks; the next one has one recipient.
            go.notify_one();
            both_wait(&mut first, &mut second).await;
            assert!(delivered.lock().unwrap().is_empty());
        }
        assert!(second_goes.give_up());
        drop(second);
        go.notify_one();
        is_accepted(first).await;
        assert_eq!(*delivered.lock().unwrap(), [["b@y"]], "{is_given}");
    }
}

/// The endpoint has read all of the message, and the destination has none of it: by then a member may be gone, or about
/// to go.
#[tokio::test(start_paused = true)]
async fn who_leaves_before_the_message_has_left_is_not_sent_it() {
    for is_dropped in [true, false] {
        let (go, delivered) = (Arc::new(Notify::new()), Delivered::default());
        let service = Sharing::new(holding(&go, &delivered)).boxed();
        let copies = Copies::new();
        let (mut first, first_goes) = attempt(&service, &copies, "b@y");
        let (mut second, second_goes) = attempt(&service, &copies, "c@y");
        assert!(is_pending(&mut first).await && is_pending(&mut second).await);
        copies.close();
        both_wait(&mut first, &mut second).await;
        assert_eq!(
            [first_goes.gone(), second_goes.gone()],
            [Gone::No, Gone::No]
        );
        assert!(second_goes.give_up());
        let second = (!is_dropped).then_some(second);
        for _ in 0..3 {
            assert!(is_pending(&mut first).await);
            yield_now().await;
        }
        if let Some(mut second) = second {
            // The call goes on until its message is to leave.
            go.notify_one();
            assert!(is_pending(&mut first).await && is_pending(&mut second).await);
            drop(second);
        }
        go.notify_one();
        is_accepted(first).await;
        assert_eq!(*delivered.lock().unwrap(), [["b@y"]], "{is_dropped}");
        assert_eq!(first_goes.gone(), Gone::Whole);
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_left_has_left_for_all() {
    let (go, delivered) = (Arc::new(Notify::new()), Delivered::default());
    let service = Sharing::new(holding(&go, &delivered)).boxed();
    let copies = Copies::new();
    let (mut first, _) = attempt(&service, &copies, "b@y");
    let (mut second, second_goes) = attempt(&service, &copies, "c@y");
    assert!(is_pending(&mut first).await && is_pending(&mut second).await);
    copies.close();
    go.notify_one();
    tokio::join!(is_accepted(first), is_accepted(second));
    assert!(!second_goes.give_up());
    assert_eq!(*delivered.lock().unwrap(), [["b@y", "c@y"]]);
}

/// The endpoint does not say when the message leaves, so it has left once it is given. The call was begun for the first
/// member alone, with that member's own signals.
#[tokio::test(start_paused = true)]
async fn what_is_given_has_left_unless_the_endpoint_says_when_it_does() {
    let (held, delivered) = (Held::default(), Delivered::default());
    let service = Sharing::new(endpoint(&held, &delivered)).boxed();
    let copies = Copies::new();
    let (mut first, first_goes) = attempt(&service, &copies, "b@y");
    assert!(is_pending(&mut first).await);
    let (mut second, second_goes) = attempt(&service, &copies, "c@y");
    assert!(is_pending(&mut second).await && is_pending(&mut first).await);
    copies.close();
    let mail = held.lock().unwrap().take().unwrap();
    mail.answer(Reply::sender_ok());
    tokio::join!(is_accepted(first), is_accepted(second));
    assert_eq!(*delivered.lock().unwrap(), [["b@y", "c@y"]]);
    assert!(!first_goes.give_up() && !second_goes.give_up());
}
