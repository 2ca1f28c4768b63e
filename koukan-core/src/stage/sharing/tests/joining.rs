//! Members that come while others end, on several threads.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use tokio::sync::Barrier;
use tower::{BoxError, service_fn};

use crate::{
    body::{Copies, MessageToken},
    reply::Reply,
    service::MailService,
    stage::sharing::Sharing,
    test_util::{context, mail, rcpt},
    transaction::{Driver, Transaction},
};

/// Members of one message, each in a task of its own.
const MEMBERS: usize = 8;
const MESSAGES: usize = 400;

/// The replies to a member with its own recipient at MAIL, at RCPT, and at the end.
async fn told(service: impl MailService, barrier: Arc<Barrier>, to: String) -> [Reply; 3] {
    barrier.wait().await;
    let (mut driver, sender) = Driver::start(service, context(), mail("a@x"));
    let recipient = driver.rcpt(rcpt(&to)).await;
    let last = driver.finish().await;
    let recipient = driver.wait(recipient).await;
    [driver.wait(sender).await, recipient, last]
}

fn with_token<S: MailService>(inner: S, token: MessageToken) -> impl MailService {
    let (mut inner, token) = (inner, Arc::new(Mutex::new(Some(token))));
    service_fn(move |mut transaction: Transaction| {
        let token = token.lock().expect("nobody panics").take();
        transaction.body = transaction.body.with_token(token);
        inner.call(transaction)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_as_others_end_has_an_end_of_its_own() {
    // A host that is down: each exchange with it ends as soon as it has begun.
    let down = service_fn(async |_: Transaction| Ok::<_, BoxError>(Reply::connection_failed()));
    let sharing = Sharing::new(down);
    for number in 0..MESSAGES {
        let (copies, barrier) = (Copies::new(), Arc::new(Barrier::new(MEMBERS)));
        let members = (0..MEMBERS).map(|member| {
            let service = with_token(sharing.clone(), copies.token());
            let told = told(service, Arc::clone(&barrier), format!("{member}@y"));
            tokio::spawn(told)
        });
        let members: Vec<_> = members.collect();
        copies.close();
        for replies in join_all(members).await {
            for reply in replies.expect("nobody panics") {
                assert_eq!(reply, Reply::connection_failed(), "message {number}");
            }
        }
    }
}
