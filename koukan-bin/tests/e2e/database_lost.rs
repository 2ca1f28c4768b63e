//! A database that is taken away from a running agent.

use std::fs;

use crate::{agent::Agent, client::Client, collector::Collector, process::free_address};

#[test]
fn nothing_is_promised_while_the_database_is_gone() {
    let sink_address = free_address();
    let agent = Agent::start(sink_address);
    let mut client = Client::connect(agent.submission).unwrap();
    let mut send = |to: &str| client.send("a@example.org", &[to], "\r\nhi\r\n").unwrap();
    assert!(send("first@example.com").is_accepted());
    let database = agent.directory().join("koukan.sqlite");
    let aside = agent.directory().join("aside");
    fs::rename(&database, &aside).unwrap();
    let sent = send("lost@example.com");
    let reply = sent.message.unwrap_or_default();
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    assert!(!database.exists(), "an empty one was made");
    fs::rename(&aside, &database).unwrap();
    assert!(send("second@example.com").is_accepted());
    let sink = Collector::listen(sink_address);
    for to in ["first@example.com", "second@example.com"] {
        sink.only_message(to);
    }
    assert!(sink.messages("lost@example.com").is_empty());
}
