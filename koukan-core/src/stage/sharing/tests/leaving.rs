//! Members that leave when the message is about to start: it will be sent to them again, so not
//! now.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use tokio::{task::yield_now, time::timeout};
use tower::{BoxError, service_fn};

use crate::{
    blob::Blob,
    body::{Copies, Observer},
    reply::Reply,
    service::{MailService, begin},
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

async fn is_accepted(mut errand: Errand<Given>) {
    let end = timeout(
        Duration::from_secs(1),
        poll_fn(move |cx| errand.poll_end(cx)),
    );
    assert_eq!(end.await.unwrap(), Ok(Reply::message_accepted()));
}

/// An attempt that has ended announces this before it is dropped.
struct GivenUp;

impl Observer for GivenUp {
    fn may_go(&mut self) -> bool {
        false
    }

    fn passed(&mut self, _: &Bytes) {}

    fn taken(&mut self, _: u64, _: &[Blob]) {}
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_does_not_go_with_what_others_bring() {
    let (held, delivered) = (Held::default(), Delivered::default());
    let service = Sharing::new(endpoint(&held, &delivered)).boxed();
    let copies = Copies::new();
    let mut first = errand(&service, &copies, &["b@y"]);
    let (upstream, mail) = begin(service, start(&copies));
    let mut stopping = given(&["c@y"]);
    let body = stopping.body.take().unwrap();
    stopping.body = Some(body.observe(GivenUp));
    let mut second = Errand::new(stopping, upstream, Some(mail));
    assert!(is_pending(&mut first).await && is_pending(&mut second).await);
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
