//! Who waits at one replica for what another one does.

use tokio::{task::JoinHandle, time::sleep};

use super::*;

/// Two replicas, of which only the other one makes the attempts of what is queued.
async fn queue(upstream: &Script) -> (Replica, Replica, JoinHandle<()>) {
    let (_net, one, other) = two(upstream).await;
    let dispatcher = Dispatcher::new(other.storage.clone(), other.output.clone(), 10);
    let dispatching = tokio::spawn(async move {
        dispatcher.run(pending()).await;
    });
    (one, other, dispatching)
}

/// A create that waits for so many seconds. What it creates is queued, and not attempted before `due` is over.
fn create(path: &str, content: &str, wait: u64, due: Duration, replica: &Replica) -> Request {
    let at = replica.storage.clock().now() + due;
    let content = content.strip_suffix('}').unwrap();
    let mut request = json_request("POST", path, &format!(r#"{content}, "send_at": "{at}"}}"#));
    let prefer = format!("wait={wait}").parse().unwrap();
    request.headers_mut().insert("prefer", prefer);
    request
}

const TRANSACTIONS: &str = "/senders/app/transactions";
const MESSAGES: &str = "/senders/app/messages";

fn described() -> String {
    let body = r#""body": {"inline": "A: b\r\n\r\nc\r\n"}"#;
    format!("{}, {body}}}", ENVELOPE.trim_end_matches('}'))
}

/// A message to several recipients.
fn to_several() -> String {
    let to: Vec<_> = (0..5).map(|n| format!(r#""r{n}@example.com""#)).collect();
    let to = to.join(", ");
    format!(r#"{{"from": "alice@example.com", "to": [{to}], "text": "hello"}}"#)
}

/// At most so long after it was due: the dispatcher looks at each refresh, and so does who waits.
const LATE_MAX: Duration = Duration::from_secs(2 * TERM.as_secs() / 8);

#[tokio::test(start_paused = true)]
async fn a_create_that_waits_hears_of_what_another_replica_delivers() {
    let (one, _other, dispatching) = queue(&Script::new()).await;
    let (begun, due) = (Instant::now(), Duration::from_secs(3));
    let created = one
        .ask(create(TRANSACTIONS, &described(), 20, due, &one))
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    assert_eq!(created.json()["data_response"]["code"], 250);
    let took = begun.elapsed();
    assert!(took <= due + LATE_MAX, "{took:?}");
    dispatching.abort();
}

#[tokio::test(start_paused = true)]
async fn a_message_is_waited_for_whoever_delivers_it_to_each_recipient() {
    let (one, _other, dispatching) = queue(&Script::new()).await;
    let (begun, due) = (Instant::now(), Duration::from_secs(3));
    let created = one
        .ask(create(MESSAGES, &to_several(), 20, due, &one))
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    assert_eq!(created.json()["finished"], true, "{}", created.text);
    let took = begun.elapsed();
    assert!(took <= due + LATE_MAX, "{took:?}");
    dispatching.abort();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_knows_a_version_of_a_message_hears_of_the_next_from_any_replica() {
    let (one, _other, dispatching) = queue(&Script::new()).await;
    let due = Duration::from_secs(3);
    let created = one.ask(create(MESSAGES, &to_several(), 0, due, &one)).await;
    let (version, begun) = (created.header("etag").to_owned(), Instant::now());
    let path = path_of(created.header("location"));
    let known = request("GET", path)
        .header("if-none-match", version)
        .header("request-timeout", "20");
    let answer = one.ask(empty(known)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let took = begun.elapsed();
    assert!(took <= due + LATE_MAX, "{took:?}");
    dispatching.abort();
}

/// The time is up between two refreshes, and shortly after the end.
#[tokio::test(start_paused = true)]
async fn the_answer_at_the_end_of_the_time_is_not_an_old_one() {
    for (at, content) in [(TRANSACTIONS, described()), (MESSAGES, to_several())] {
        let (_net, one, other) = two(&Script::new()).await;
        let due = Duration::from_secs(60);
        let created = one.ask(create(at, &content, 0, due, &one)).await;
        let path = path_of(created.header("location")).to_owned();
        sleep(TERM / 16).await;
        let begun = Instant::now();
        let waiting = empty(request("GET", &path).header("request-timeout", "4"));
        let waiting = tokio::spawn(send(one.router.clone(), waiting));
        sleep(Duration::from_millis(3800)).await;
        let cancel = empty(request("POST", &format!("{path}/cancel")));
        let cancelled = other.ask(cancel).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
        let answer = waiting.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(4));
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.json(), cancelled.json());
    }
}
