//! A disk that is full.

use crate::{agent::Agent, client::Client, collector::Collector, process::free_address};

/// Files may not grow beyond this, in units of 512 octets.
const FILE_BLOCKS: u32 = 8 * 1024;

#[test]
fn a_full_disk_is_4xx_and_loses_nothing_acknowledged() {
    let sink_address = free_address();
    let mut agent = Agent::start_with_file_limit(sink_address, FILE_BLOCKS);
    let mut client = Client::connect(agent.submission).unwrap();
    let body = "y".repeat(70) + "\r\n";
    let message = format!("Subject: fill\r\n\r\n{}", body.repeat(800));
    let mut acknowledged = Vec::new();
    let refusal = (0..1000).find_map(|number| {
        let to = format!("m{number}@example.com");
        let sent = client.send("a@example.org", &[&to], &message).unwrap();
        if sent.is_accepted() {
            acknowledged.push(to);
            return None;
        }
        sent.message.or_else(|| sent.rcpts.into_iter().next())
    });
    let refusal = refusal.expect("the disk was never full");
    assert!(refusal.starts_with("452 4.3.1"), "{refusal}");
    assert!(!acknowledged.is_empty());

    agent.kill();
    let sink = Collector::listen(sink_address);
    agent.restart();
    for to in acknowledged {
        assert!(sink.only_message(&to).ends_with(&message));
    }
}
