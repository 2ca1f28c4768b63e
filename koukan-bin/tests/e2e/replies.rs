//! While the destination is up, clients get its own replies.

use crate::{agent::Agent, client::Client, collector::Collector};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[test]
fn an_ingress_client_hears_the_destinations_own_replies() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let mut send = |to: &str| client.send("a@example.org", &[to], MESSAGE).unwrap();

    let refused = send("550@example.com");
    assert_eq!(refused.rcpts, ["550 5.0.0 as you asked"]);
    let busy = send("450@example.com");
    assert_eq!(busy.rcpts, ["450 4.0.0 as you asked"]);
    let refused = send("end554@example.com");
    assert_eq!(refused.message.as_deref(), Some("554 5.0.0 as you asked"));
    let busy = send("end451@example.com");
    assert_eq!(busy.message.as_deref(), Some("451 4.0.0 as you asked"));
    assert!(send("bob@example.com").is_accepted());
    assert_eq!(sink.count(), 1);
}

#[test]
fn where_recipients_differ_the_failed_one_is_told_of_by_a_notification() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut client = Client::connect(agent.submission).unwrap();
    let to = ["bob@example.com", "then554@example.com"];
    let sent = client.send("alice@example.org", &to, MESSAGE).unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    assert!(sink.only_message("bob@example.com").ends_with(MESSAGE));
    let notification = sink.only_message("alice@example.org");
    for text in [
        "Auto-Submitted: auto-replied",
        "Content-Type: multipart/report",
        "Final-Recipient: rfc822; then554@example.com",
        "Action: failed",
        "554 5.0.0 as you asked",
    ] {
        assert!(notification.contains(text), "{text}:\n{notification}");
    }
}

#[test]
fn other_domains_are_not_relayed_for_just_anyone() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let sent = client.send("a@example.org", &["b@example.net"], MESSAGE);
    assert!(sent.unwrap().rcpts[0].starts_with("550 5.7.1"));
    assert_eq!(sink.count(), 0);
}
