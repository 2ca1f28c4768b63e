//! An endpoint that panics before it returns a future, while another member joins.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use tokio::time::timeout;
use tower::{Service, service_fn};

use crate::{
    body::Copies, reply::Reply, service::MailService, stage::sharing::Sharing, test_util::Script,
    transaction::Transaction,
};

use super::{answers::Other, direct::errand};

/// Panics in the first call, after it has made another member join.
fn endpoint(other: &Other) -> impl MailService {
    let (other, is_first) = (Arc::clone(other), Arc::new(Mutex::new(true)));
    let mut accepting = Script::new();
    service_fn(move |transaction: Transaction| {
        if std::mem::take(&mut *is_first.lock().unwrap()) {
            let is_joined = {
                let mut other = other.lock().unwrap();
                let cx = &mut Context::from_waker(Waker::noop());
                other.as_mut().unwrap().poll_end(cx).is_pending()
            };
            assert!(!is_joined, "broken");
        }
        accepting.call(transaction)
    })
}

#[tokio::test(start_paused = true)]
async fn who_joins_meanwhile_does_not_wait_for_ever() {
    let several: [&[&str]; 2] = [&["b@y"], &["b@y", "d@y"]];
    for (to, copies) in several
        .into_iter()
        .flat_map(|to| [Copies::new(), Copies::of_one_task()].map(|copies| (to, copies)))
    {
        let other = Other::default();
        let service = Sharing::new(endpoint(&other)).boxed();
        let mut first = errand(&service, &copies, to);
        *other.lock().unwrap() = Some(errand(&service, &copies, &["c@y"]));
        copies.close();
        let end = poll_fn(|cx| first.poll_end(cx)).await;
        assert_eq!(end, Ok(Reply::local_error()), "{to:?}");
        let mut second = other.lock().unwrap().take().unwrap();
        let end = timeout(
            Duration::from_secs(1),
            poll_fn(move |cx| second.poll_end(cx)),
        );
        assert!(end.await.unwrap().is_ok(), "{to:?}");
    }
}
