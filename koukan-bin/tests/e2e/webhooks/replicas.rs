//! A webhook of several agents over one database.

use std::fs;

use koukan_rest::auth::generate_token;

use super::{LIMIT, SECRET, receiver::Receiver, webhook};
use crate::{
    agent::Agent,
    client::Client,
    collector::Collector,
    postgres::server,
    process::{eventually, free_address},
};

#[test]
fn one_agent_calls_it_and_another_goes_on_when_that_is_killed() {
    let sink = Collector::start();
    let url = server::database();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, format!("whsec_{SECRET}\n")).unwrap();
    let hook = free_address();
    let webhooks = webhook("all", hook, &secret, ", events: [delivered]");
    let webhooks = format!("webhooks:\n{webhooks}");
    let (_, token) = generate_token();
    let start = || Agent::start_replica_with(sink.address, &url, &token, &webhooks);
    let mut agents = vec![start(), start()];
    let mut receiver = Receiver::new(hook, SECRET);
    receiver.start(204);
    let told = || {
        let events = receiver.events();
        let numbers = events.iter().map(super::number);
        numbers.collect::<Vec<_>>()
    };
    let send = |agent: &Agent, to: &str| {
        let mut client = Client::connect(agent.submission).unwrap();
        let sent = client.send("a@example.org", &[to], "\r\nhi\r\n").unwrap();
        assert!(sent.is_accepted());
    };
    let ask = |sql: &str| server::execute(&url, sql).trim().to_owned();
    // The webhook gets the events from then on.
    let begun = "SELECT count(*) FROM cursors WHERE name = 'webhook:all'";
    eventually(LIMIT, || ask(begun) == "1");
    for index in 0..4 {
        send(&agents[index % 2], &format!("r{index}@example.com"));
    }
    eventually(LIMIT, || told().len() == 4);
    let last = *told().iter().max().unwrap();
    let kept = "SELECT number FROM cursors WHERE name = 'webhook:all'";
    eventually(LIMIT, || {
        ask(kept).parse::<u64>().is_ok_and(|kept| kept >= last)
    });
    // The agent that calls it.
    let holder = ask(
        "SELECT address FROM sessions JOIN readers ON holder = id WHERE name = 'webhook-reader:all'",
    );
    let is_it = |agent: &Agent| holder == format!("http://{}", agent.rest);
    let mut killed = agents.remove(agents.iter().position(is_it).unwrap());
    killed.kill();
    for index in 4..8 {
        send(&agents[0], &format!("r{index}@example.com"));
    }
    eventually(LIMIT, || told().len() >= 8);
    let numbers = told();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert_eq!(numbers.len(), 8);
}
