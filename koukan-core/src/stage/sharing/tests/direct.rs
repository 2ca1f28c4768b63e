//! Members that come without a call: the laws hold for them as well.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, timeout};
use tower::{BoxError, service_fn};

use crate::{
    body::{Body, Copies},
    reply::Reply,
    service::{BoxMailService, MailService, begin},
    signals::Signals,
    stage::sharing::Sharing,
    test_util::{Answer, Script, context, mail, rcpt},
    transaction::{Aborted, Errand, Originator, Rcpt, Start, Transaction, Upstream},
};

/// What is given, and the replies received.
pub(super) struct Given {
    rcpts: Vec<Rcpt>,
    pub(super) body: Option<Body>,
    pub(super) replies: Vec<Reply>,
}

pub(super) fn given(to: &[&str]) -> Given {
    Given {
        rcpts: to.iter().map(|to| rcpt(to)).collect(),
        body: Some(Body::from(Bytes::from_static(b"\r\nhello\r\n"))),
        replies: Vec::new(),
    }
}

impl Originator for Given {
    fn has_recipients(&self) -> bool {
        !self.rcpts.is_empty()
    }

    fn poll_recipient(&mut self, _: &mut Context<'_>) -> Poll<Option<(usize, Rcpt)>> {
        Poll::Ready(self.rcpts.pop().map(|rcpt| (self.rcpts.len(), rcpt)))
    }

    fn poll_body(&mut self, _: &mut Context<'_>) -> Poll<Result<Body, Aborted>> {
        match self.body.take() {
            Some(body) => Poll::Ready(Ok(body)),
            None => Poll::Pending,
        }
    }

    fn take_mail_reply(&mut self, reply: Reply) -> Reply {
        self.replies.push(reply.clone());
        reply
    }

    fn take_rcpt_reply(&mut self, _: usize, reply: Reply) -> Reply {
        self.replies.push(reply.clone());
        reply
    }
}

pub(super) fn start(copies: &Copies) -> Start {
    Start {
        context: context(),
        mail: mail("a@x"),
        signals: Signals::default(),
        token: Some(copies.token()),
    }
}

pub(super) fn errand(service: &BoxMailService, copies: &Copies, to: &[&str]) -> Errand<Given> {
    let (upstream, mail) = begin(service.clone(), start(copies));
    assert!(matches!(upstream, Upstream::Direct(_)), "it makes a call");
    Errand::new(given(to), upstream, Some(mail))
}

fn shared(inner: impl MailService) -> BoxMailService {
    Sharing::new(inner).boxed()
}

#[tokio::test(start_paused = true)]
async fn two_members_without_a_call_are_one_transaction() {
    let (destination, copies) = (Script::new(), Copies::new());
    let service = shared(destination.clone());
    let mut first = errand(&service, &copies, &["b@y"]);
    let mut second = errand(&service, &copies, &["c@y", "d@y"]);
    copies.close();
    let (first, second) = tokio::join!(
        poll_fn(|cx| first.poll_end(cx)),
        poll_fn(|cx| second.poll_end(cx))
    );
    assert_eq!(first, Ok(Reply::message_accepted()));
    assert_eq!(second, Ok(Reply::message_accepted()));
    assert_eq!(destination.only_received().recipients.len(), 3);
}

/// Law 1: commands that are open at the end are answered by the end.
#[tokio::test(start_paused = true)]
async fn every_command_is_answered_whatever_becomes_of_the_endpoint() {
    let broken: [fn(Script) -> Script; 5] = [
        |it| it.mail(Reply::policy_refused()),
        |it| it.mail(Answer::Return(Reply::policy_refused())),
        |it| it.rcpt("b@y", Answer::Return(Reply::mailbox_busy())),
        |it| it.rcpt("b@y", Answer::Fail("broken")),
        |it| it.rcpt("b@y", Answer::Panic("broken")),
    ];
    for (number, script) in broken.into_iter().enumerate() {
        let copies = Copies::new();
        let mut errand = errand(&shared(script(Script::new())), &copies, &["b@y"]);
        let end = poll_fn(|cx| errand.poll_end(cx)).await.unwrap();
        assert!(end.is_negative(), "{number}: {end}");
        let replies = &errand.originator.replies;
        assert_eq!(replies.len(), 2, "{number}: {replies:?}");
        assert!(replies.iter().any(Reply::is_negative), "{number}");
    }
}

/// A service may panic before it returns a future.
#[tokio::test(start_paused = true)]
async fn a_panic_costs_the_transaction_and_no_other() {
    let service = shared(service_fn(|_: Transaction| {
        if true {
            panic!("broken");
        }
        std::future::ready(Ok::<_, BoxError>(Reply::ok()))
    }));
    let copies = Copies::new();
    let mut errand = errand(&service, &copies, &["b@y"]);
    let end = poll_fn(|cx| errand.poll_end(cx)).await;
    assert_eq!(end, Ok(Reply::local_error()));
}

/// Law 2: a client that waits for the reply to MAIL before it gives a recipient must not wait
/// forever.
#[tokio::test(start_paused = true)]
async fn mail_is_answered_before_there_is_a_recipient() {
    let copies = Copies::new();
    let (mut upstream, mail) = begin(shared(Script::new()), start(&copies));
    assert!(poll_fn(|cx| Poll::Ready(upstream.poll_progress(cx).is_pending())).await);
    let begun = Instant::now();
    assert_eq!(mail.await, Reply::sender_ok());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_recipients_there_is_an_end() {
    let copies = Copies::new();
    let mut errand = errand(&shared(Script::new()), &copies, &[]);
    let end = poll_fn(|cx| errand.poll_end(cx)).await;
    assert_eq!(end, Ok(Reply::no_valid_recipients()));
}

/// Law 3: a dropped member no longer takes part in the message.
#[tokio::test(start_paused = true)]
async fn who_is_dropped_leaves_the_group() {
    let (destination, copies) = (Script::new(), Copies::new());
    let service = shared(destination.clone());
    let mut first = errand(&service, &copies, &["b@y"]);
    let mut second = errand(&service, &copies, &["c@y"]);
    assert!(poll_fn(|cx| Poll::Ready(first.poll_end(cx).is_pending())).await);
    assert!(poll_fn(|cx| Poll::Ready(second.poll_end(cx).is_pending())).await);
    drop(first);
    copies.close();
    let end = timeout(Duration::from_secs(1), poll_fn(|cx| second.poll_end(cx)));
    assert_eq!(end.await.unwrap(), Ok(Reply::message_accepted()));
    let received = destination.received();
    let delivered = received.last().unwrap();
    let to: Vec<_> = delivered
        .recipients
        .iter()
        .map(|to| to.forward_path.as_str())
        .collect();
    assert_eq!(to, ["c@y"]);
}
