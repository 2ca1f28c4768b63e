//! Events across a crash: a reader gets the end of every committed transaction, in order.

mod subscriber;

use std::{
    collections::HashMap,
    env,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    agent::Agent,
    collector::Collector,
    http::Request,
    process::{eventually, free_address},
};

use self::subscriber::Subscriber;

/// The number of deliveries, unless `KOUKAN_EVENTS` says otherwise.
const DELIVERIES: usize = 1000;
const CLIENTS: usize = 8;

fn create(agent: SocketAddr, to: &str) -> Option<String> {
    let message = json!({
        "mail_from": {"m": "alice@example.org"},
        "rcpt_to": [{"m": to}],
        "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"},
    });
    let request = Request::new("POST", "/senders/submission/transactions").json(&message);
    let answer = request.send(agent).ok()?;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let location = answer.header("location")?;
    Some(location.rsplit('/').next()?.to_owned())
}

fn page(agent: SocketAddr, query: &str) -> (u16, Value) {
    let answer = Request::get(&format!("/events{query}"))
        .send(agent)
        .unwrap();
    (answer.status, answer.json())
}

/// The events of each transaction, in order, each once.
fn by_transaction(events: &[Value]) -> HashMap<String, Vec<Value>> {
    let mut numbers = std::collections::HashSet::new();
    let mut by_transaction: HashMap<String, Vec<Value>> = HashMap::new();
    for event in events {
        if numbers.insert(event["id"].clone()) {
            let id = event["transaction"].as_str().unwrap().to_owned();
            by_transaction.entry(id).or_default().push(event.clone());
        }
    }
    by_transaction
}

#[test]
fn each_end_is_told_of_over_a_crash() {
    let deliveries = env::var("KOUKAN_EVENTS").map_or(DELIVERIES, |text| text.parse().unwrap());
    let sink = Collector::start();
    let mut agent = Agent::start_with_events(sink.address);
    let rest = agent.rest;
    let subscriber = Subscriber::start(rest);

    let next = Arc::new(AtomicUsize::new(0));
    let committed = Arc::new(Mutex::new(Vec::new()));
    let send_until = |last: usize| {
        (0..CLIENTS)
            .map(|_| {
                let (next, committed) = (Arc::clone(&next), Arc::clone(&committed));
                thread::spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= last {
                            return;
                        }
                        let Some(id) = create(rest, &format!("to{number}@example.com")) else {
                            return;
                        };
                        committed.lock().unwrap().push(id);
                    }
                })
            })
            .collect::<Vec<_>>()
    };
    let clients = send_until(deliveries);
    let half = deliveries / 2;
    eventually(Duration::from_secs(300), || {
        committed.lock().unwrap().len() >= half
    });
    agent.kill();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    agent.restart();
    next.store(half, Ordering::Relaxed);
    send_until(deliveries)
        .into_iter()
        .for_each(|client| client.join().unwrap());

    let committed = committed.lock().unwrap().clone();
    assert!(committed.len() >= deliveries - CLIENTS);
    let missing = || {
        let told = by_transaction(&subscriber.seen());
        let is_told = |id: &&String| {
            let last = told.get(*id).and_then(|events| events.last());
            last.is_some_and(|event| event["final_attempt_reason"] == "delivered")
        };
        committed.iter().filter(|id| !is_told(id)).count()
    };
    eventually(Duration::from_secs(120), || missing() == 0);
    assert!(subscriber.streams() >= 2);
    for (id, events) in by_transaction(&subscriber.seen()) {
        let kinds: Vec<_> = events
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds.first(), Some(&"queued"), "{id}");
        let ends = events
            .iter()
            .filter(|event| !event["final_attempt_reason"].is_null());
        assert!(ends.count() <= 1, "{id}: {kinds:?}");
    }

    // The same, read page by page.
    let mut read = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = page(rest, &format!("?limit=1000&cursor={cursor}"));
        assert_eq!(status, 200);
        let events = page["events"].as_array().unwrap();
        read.extend(events.iter().cloned());
        cursor = page["next_cursor"].as_str().unwrap().to_owned();
        if events.is_empty() {
            break;
        }
    }
    let numbers: Vec<u64> = read
        .iter()
        .map(|event| event["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|one, next| one + 1 == *next));
    let told = by_transaction(&read);
    assert!(committed.iter().all(|id| told.contains_key(id)));
    let (_, delivered) = page(rest, "?type=delivered&sender=submission&limit=1");
    let event = &delivered["events"][0];
    assert_eq!(event["type"], "delivered");
    assert_eq!(event["reply"]["code"], 250);
    assert!(
        event["recipient"]
            .as_str()
            .unwrap()
            .ends_with("@example.com")
    );
    assert_eq!(page(rest, "?cursor=latest").1["events"], json!([]));
    assert_eq!(page(rest, "?cursor=99999999").0, 410);
    assert_eq!(page(rest, "?type=sent").0, 400);
    assert_eq!(page(rest, "?domain=x").0, 400);

    // An open stream does not delay a stop.
    agent.signal("TERM");
    assert!(agent.wait(Duration::from_secs(10)).success());
}

#[test]
fn who_operates_is_told_of_and_who_waits_is_woken() {
    // Nobody listens there.
    let agent = Agent::start_with_events(free_address());
    let id = create(agent.rest, "bob@example.com").unwrap();
    let kinds = || {
        let (_, page) = page(agent.rest, "?limit=1000");
        let events = page["events"].as_array().unwrap().clone();
        let of_it = events
            .into_iter()
            .filter(|event| event["transaction"] == *id);
        of_it
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    eventually(Duration::from_secs(60), || {
        kinds().contains(&"deferred".into())
    });
    let (_, now) = page(agent.rest, "?cursor=latest");
    let cursor = now["next_cursor"].as_str().unwrap();
    let waiting = {
        let (rest, target) = (agent.rest, format!("/events?type=held&cursor={cursor}"));
        thread::spawn(move || {
            let request = Request::get(&target).header("request-timeout", "30");
            request.send(rest).unwrap().json()
        })
    };
    let operate = |action: &str| {
        let mut status = 0;
        eventually(Duration::from_secs(60), || {
            let request = Request::new("POST", &format!("/queue/{id}/{action}"));
            status = request.send(agent.rest).unwrap().status;
            status == 200
        });
    };
    operate("hold");
    let held = waiting.join().unwrap();
    assert_eq!(held["events"][0]["transaction"], *id);
    operate("release");
    operate("cancel");
    eventually(Duration::from_secs(60), || {
        kinds().contains(&"cancelled".into())
    });
    let kinds = kinds();
    assert_eq!(kinds[0], "queued");
    let place = |kind: &str| kinds.iter().position(|known| known == kind).unwrap();
    assert!(place("held") < place("released") && place("released") < place("cancelled"));
    assert_eq!(place("cancelled"), kinds.len() - 1);
}
