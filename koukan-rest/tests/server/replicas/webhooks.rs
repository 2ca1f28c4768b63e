//! Webhooks: each is called by one replica.

use koukan_core::resource::{QueueRequest, QueueResponse, hook_reader};

use super::*;

/// Replicas that note which of them was asked about a webhook.
async fn answering(net: &Net, store: &MemoryBackend, address: &str, asked: &Asked) -> Replica {
    let (asked, noted) = (Arc::clone(asked), address.to_owned());
    let queue = service_fn(move |_: QueueRequest| {
        asked.lock().unwrap().push(noted.clone());
        async { Ok::<_, BoxError>(QueueResponse::Hooks(Vec::new())) }
    });
    let with_queue = |server: Server| server.with_queue(queue);
    net.join_as(store, address, &Script::new(), with_queue)
        .await
}

type Asked = Arc<Mutex<Vec<String>>>;

#[tokio::test(start_paused = true)]
async fn who_calls_a_webhook_answers_for_it() {
    let (net, store, asked) = (Net::default(), store(), Asked::default());
    let one = answering(&net, &store, "one.example", &asked).await;
    let other = answering(&net, &store, "other.example", &asked).await;
    one.storage.hold_reader(&hook_reader("http://x/hook")).await;
    let path = "/webhooks/http%3A%2F%2Fx%2Fhook";
    let retry = &*format!("{path}/retry");
    // If no replica calls the webhook, the one that was asked answers.
    for (replica, method, path, answers) in [
        (&one, "GET", path, "one.example"),
        (&one, "POST", retry, "one.example"),
        (&other, "GET", "/webhooks", "other.example"),
        (&other, "GET", "/webhooks/y", "other.example"),
    ] {
        replica.ask(empty(request(method, path))).await;
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), [answers]);
    }
    for (method, path) in [("GET", path), ("POST", retry)] {
        let there = other.ask(empty(request(method, path))).await;
        assert_eq!(there.status, StatusCode::PERMANENT_REDIRECT);
        let location = format!("http://one.example{path}");
        assert_eq!(there.header("location"), location);
        // With a token, even an arbitrary one, it is passed on.
        let with_token = request(method, path).header("authorization", "Bearer x");
        other.ask(empty(with_token)).await;
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), ["one.example"]);
    }
    one.storage.leave().await.unwrap();
    other.ask(empty(request("GET", path))).await;
    assert_eq!(*asked.lock().unwrap(), ["other.example"]);
}
