//! Webhooks: a server gets each event at least once and in order, even if it or the agent is killed
//! meanwhile.

mod mail;
mod receiver;
mod replicas;

use std::{fs, net::SocketAddr, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    agent::Agent,
    collector::Collector,
    http::Request,
    peers::run,
    process::{eventually, free_address},
};

use self::receiver::Receiver;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const LIMIT: Duration = Duration::from_secs(60);

fn create(agent: &Agent, to: &str) {
    let message = json!({
        "mail_from": {"m": "alice@example.org"},
        "rcpt_to": [{"m": to}],
        "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"},
    });
    let request = Request::new("POST", "/senders/submission/transactions").json(&message);
    assert_eq!(request.send(agent.rest).unwrap().status, 201);
}

fn number(event: &Value) -> u64 {
    event["id"].as_str().unwrap().parse().unwrap()
}

/// All stored events.
fn kept(agent: &Agent, query: &str) -> Vec<Value> {
    let answer = Request::get(&format!("/events?limit=1000{query}"));
    let page = answer.send(agent.rest).unwrap().json();
    page["events"].as_array().unwrap().clone()
}

fn webhook(name: &str, address: SocketAddr, secret: &std::path::Path, more: &str) -> String {
    let secret = secret.display();
    format!(
        "  - {{ name: {name}, url: \"http://{address}/hook\", secret_file: \"{secret}\"{more} }}\n"
    )
}

#[test]
fn each_event_comes_at_least_once_and_in_order_over_crashes() {
    let sink = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, format!("whsec_{SECRET}\n")).unwrap();
    let [all, some, dead] = [(); 3].map(|()| free_address());
    let webhooks = format!(
        "webhooks:\n{}{}{}",
        webhook("all", all, &secret, ""),
        webhook(
            "some",
            some,
            &secret,
            ", events: [delivered], senders: [submission]"
        ),
        // Nobody listens at this address for a long time, which delays nobody else.
        webhook("dead", dead, &secret, ", give_up_after: 1s"),
    );
    let mut agent = Agent::start_with_events_and(sink.address, &webhooks);
    let [mut all, mut some] = [all, some].map(|address| Receiver::new(address, SECRET));
    all.start(204);
    some.start(200);
    let is_delivered = |count: usize| {
        let delivered = kept(&agent, "&type=delivered");
        delivered.len() >= count
    };
    create(&agent, "one@example.com");
    eventually(LIMIT, || is_delivered(1) && !all.events().is_empty());

    // The server is killed, and gets later what happens meanwhile.
    all.kill();
    for to in ["two@example.com", "550@example.com"] {
        create(&agent, to);
    }
    eventually(LIMIT, || some.events().len() >= 2);
    // The server refuses for a while.
    all.start(503);
    let before = all.requests().len();
    eventually(LIMIT, || all.requests().len() > before);
    all.kill();

    // The agent is killed, and both continue where they were.
    agent.kill();
    all.start(204);
    agent.restart();
    create(&agent, "three@example.com");
    let is_told = || {
        let told = all.events();
        let last = kept(&agent, "");
        let last = last.last().map(number);
        told.iter().any(|event| Some(number(event)) == last) && some.events().len() >= 3
    };
    eventually(LIMIT, is_told);

    assert!(
        all.requests()
            .iter()
            .chain(&some.requests())
            .all(|it| it["unsigned"].is_null())
    );
    let mut seen = Vec::new();
    for request in all.requests() {
        let events = request["content"]["data"]["events"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(request["content"]["type"], "events");
        // What is repeated after the kill begins not later than the point that was reached.
        let first = number(&events[0]);
        assert!(first <= seen.last().map_or(1, number) + 1, "{request}");
        for event in events {
            if seen.last().is_none_or(|last| number(last) < number(&event)) {
                seen.push(event);
            }
        }
    }
    assert_eq!(seen, kept(&agent, ""));
    let delivered = some.events();
    assert!(delivered.iter().all(|event| event["type"] == "delivered"));
    let numbers: Vec<_> = delivered.iter().map(number).collect();
    assert!(numbers.is_sorted());

    let metrics = Request::get("/metrics").send(agent.rest).unwrap().text;
    for text in [
        "koukan_webhook_requests_total{hook=\"all\",outcome=\"taken\"}",
        "koukan_webhook_requests_total{hook=\"dead\",outcome=\"failed\"}",
        "koukan_webhook_events_total{hook=\"some\"}",
    ] {
        assert!(metrics.contains(text), "{text}:\n{metrics}");
    }
    is_called_again_when_somebody_says_so(&agent, dead);
    // Requests to webhooks do not delay a stop.
    agent.signal("TERM");
    assert!(agent.wait(Duration::from_secs(10)).success());
}

/// The webhook was given up, also across a crash of the agent. Then it gets everything.
fn is_called_again_when_somebody_says_so(agent: &Agent, dead: SocketAddr) {
    let url = format!("http://{}", agent.rest);
    let koukan = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        let command = command.arg("webhooks").args(arguments);
        run(command.args(["--url", &url]))
    };
    let is_given_up = || {
        let listed: Value = serde_json::from_str(&koukan(&["list", "--json"])).unwrap();
        let hooks = listed["webhooks"].as_array().unwrap();
        let states = hooks.iter().map(|hook| [&hook["name"], &hook["state"]]);
        states.collect::<Vec<_>>() == [["all", "up"], ["dead", "dead"], ["some", "up"]]
    };
    eventually(LIMIT, is_given_up);
    let listed = koukan(&["list"]);
    assert!(listed.contains("FAILURES"), "{listed}");
    let metrics = || Request::get("/metrics").send(agent.rest).unwrap().text;
    let dead_metric = "koukan_webhook_dead{hook=\"dead\"}";
    assert!(metrics().contains(&format!("{dead_metric} 1")));
    let mut receiver = Receiver::new(dead, SECRET);
    receiver.start(204);
    assert!(receiver.requests().is_empty());
    assert!(koukan(&["retry", "dead"]).contains("dead"));
    let all = kept(agent, "");
    eventually(LIMIT, || receiver.events().len() == all.len());
    assert_eq!(receiver.events(), all);
    eventually(LIMIT, || metrics().contains(&format!("{dead_metric} 0")));
}
