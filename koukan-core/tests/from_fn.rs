//! Filters made from functions and from callbacks.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use koukan_core::{
    middleware::{
        Callbacks, Next, State, callbacks, callbacks::Phase, from_fn, from_fn_with_state,
    },
    reply::{Rejection, Reply},
    service::{BoxMailLayer, BoxMailService},
    test_util::{Answer, End, Script, mail, rcpt, send},
    transaction::{Mail, Rcpt, Transaction},
};
use tower::{BoxError, Layer, ServiceBuilder};

async fn count(
    State(calls): State<Arc<AtomicUsize>>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    calls.fetch_add(1, Ordering::Relaxed);
    next.run(tx.prepend("X-Count: 1\r\n".into())).await
}

async fn after(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    let reply = next.run(tx).await?;
    Ok(reply.with_text("changed on the way back"))
}

#[tokio::test]
async fn functions_act_in_the_order_in_which_they_are_written() {
    let calls = Arc::new(AtomicUsize::new(0));
    let upstream = Script::new();
    let service = ServiceBuilder::new()
        .layer(from_fn(after))
        .layer(from_fn_with_state(Arc::clone(&calls), count))
        .layer(from_fn(async |tx: Transaction, next: Next| {
            next.run(tx.prepend("X-Inner: 1\r\n".into())).await
        }))
        .service(upstream.clone());
    for _ in 0..2 {
        let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], "\r\n").await;
        assert_eq!(outcome.verdict(0).text(), "changed on the way back");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let message = "X-Inner: 1\r\nX-Count: 1\r\n\r\n";
    assert_eq!(upstream.received()[1].text(), message);
}

#[tokio::test]
async fn a_function_that_does_not_go_on_refuses_everything() {
    let upstream = Script::new();
    let closed = from_fn(async |_: Transaction, _: Next| Ok(Reply::relay_denied()));
    let outcome = send(
        closed.layer(upstream.clone()),
        mail("a@x"),
        [rcpt("b@y")],
        "",
    )
    .await;
    assert_eq!(outcome.mail, Reply::relay_denied());
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_function_is_a_layer_of_a_chain_built_at_run_time() {
    let layers = [
        BoxMailLayer::new(from_fn(after)),
        BoxMailLayer::new(callbacks(|_: &Transaction| Passive)),
    ];
    let endpoint = BoxMailService::new(Script::new());
    let chain = layers
        .iter()
        .rev()
        .fold(endpoint, |chain, layer| layer.layer(chain));
    let outcome = send(chain, mail("a@x"), [rcpt("b@y")], "\r\n").await;
    assert_eq!(outcome.verdict(0).text(), "changed on the way back");
}

/// Implements none of the callbacks.
struct Passive;

impl Callbacks for Passive {}

/// Implements all of the callbacks.
#[derive(Clone, Default)]
struct Active {
    log: Arc<Mutex<Vec<String>>>,
}

impl Active {
    fn note(&self, text: String) {
        self.log.lock().expect("no test panics here").push(text);
    }
}

impl Callbacks for Active {
    async fn mail(&self, mail: &mut Mail) -> Result<(), Rejection> {
        tokio::task::yield_now().await;
        if mail.reverse_path.is_null() {
            return Err(Reply::policy_refused().into());
        }
        *mail = koukan_core::test_util::mail("other@x");
        Ok(())
    }

    async fn rcpt(&self, rcpt: &mut Rcpt) -> Result<(), Rejection> {
        tokio::task::yield_now().await;
        if rcpt.forward_path.as_str() == "no@y" {
            return Err(Reply::no_such_user().into());
        }
        Ok(())
    }

    fn body(&self, chunk: Bytes) -> Result<Bytes, Rejection> {
        if chunk.starts_with(b"bad") {
            return Err(Reply::bad_content().into());
        }
        Ok(chunk.to_ascii_uppercase().into())
    }

    async fn end(&self) -> Result<(), Rejection> {
        self.note("end".into());
        Ok(())
    }

    fn reply(&self, to: Phase<'_>, reply: Reply) -> Reply {
        let to = match to {
            Phase::Mail(mail) => mail.reverse_path.to_string(),
            Phase::Rcpt(rcpt) => rcpt.forward_path.to_string(),
            Phase::Message => "message".into(),
        };
        self.note(format!("{to} {}", reply.code()));
        reply.with_text(to)
    }
}

#[tokio::test]
async fn callbacks_that_are_not_written_change_nothing() {
    let upstream = Script::new().rcpt("no@y", Reply::no_such_user());
    let service = callbacks(|_: &Transaction| Passive).layer(upstream.clone());
    let to = ["b@y", "no@y"].map(rcpt);
    let outcome = send(service, mail("a@x"), to, "hello\r\n").await;
    assert_eq!(outcome.mail, Reply::sender_ok());
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::no_such_user()]
    );
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(upstream.only_received().text(), "hello\r\n");
}

#[tokio::test]
async fn callbacks_see_and_change_everything() {
    let upstream = Script::new();
    let active = Active::default();
    let own = active.clone();
    let service = callbacks(move |_: &Transaction| own.clone()).layer(upstream.clone());
    let to = ["b@y", "no@y", "c@y"].map(rcpt);
    let outcome = send(service, mail("a@x"), to, "hello\r\n").await;
    assert_eq!(outcome.recipients[1], Reply::no_such_user());
    assert_eq!(outcome.verdict(2).text(), "message");
    let received = upstream.only_received();
    assert_eq!(received.reverse_path().as_str(), "other@x");
    assert_eq!(received.recipient_texts(), ["b@y", "c@y"]);
    assert_eq!(received.text(), "HELLO\r\n");
    let log = ["other@x 250", "b@y 250", "c@y 250", "end", "message 250"];
    assert_eq!(*active.log.lock().expect("no test panics here"), log);
}

#[tokio::test]
async fn callbacks_reject_mail_and_content() {
    let upstream = Script::new();
    let service = callbacks(|_: &Transaction| Active::default()).layer(upstream.clone());
    let outcome = send(service.clone(), mail(""), [rcpt("b@y")], "\r\n").await;
    assert_eq!(outcome.mail, Reply::policy_refused());
    assert!(upstream.received().is_empty());
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "bad\r\n").await;
    assert_eq!(outcome.message, Some(Reply::bad_content()));
    assert!(matches!(upstream.only_received().end, End::Failed(_)));
}

#[tokio::test]
async fn failures_pass_callbacks_unseen() {
    let active = Active::default();
    let own = active.clone();
    let upstream = Script::new().message(Answer::Fail("broken"));
    let service = callbacks(move |_: &Transaction| own.clone()).layer(upstream);
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
    assert_eq!(outcome.message, Some(Reply::local_error()));
    let log = active.log.lock().expect("no test panics here");
    assert!(!log.iter().any(|line| line.starts_with("message")));
}
