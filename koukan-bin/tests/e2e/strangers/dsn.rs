//! Requests for notifications pass through other agents and through this one unchanged.

use std::net::SocketAddr;

use super::{
    exim::Exim,
    postfix::Postfix,
    site::{Agent, Site},
};
use crate::{client::Client, collector::Collector};

const FROM: &str = "alice@example.org";

/// The parameters of MAIL and RCPT: each value of each parameter, and values that must be encoded.
const ASKED: [(&str, &str); 4] = [
    (
        "RET=HDRS ENVID=QQ+2B314",
        "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+2Bone@example.org",
    ),
    (
        "RET=FULL ENVID=QQ+3D315",
        "NOTIFY=NEVER ORCPT=rfc822;second@example.org",
    ),
    ("RET=FULL", "NOTIFY=DELAY ORCPT=rfc822;third@example.org"),
    (
        "ENVID=QQ316",
        "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;fourth@example.org",
    ),
];

fn send(server: SocketAddr, to: &str, (of_mail, of_rcpt): (&str, &str)) {
    let mut client = Client::connect(server).unwrap();
    for (line, expected) in [
        (format!("MAIL FROM:<{FROM}> {of_mail}"), "250"),
        (format!("RCPT TO:<{to}> {of_rcpt}"), "250"),
        ("DATA".into(), "354"),
        ("Subject: hi\r\n\r\nhello\r\n.".into(), "250"),
        ("QUIT".into(), "221"),
    ] {
        let reply = client.command(&line).unwrap();
        assert!(reply.starts_with(expected), "{line}: {reply}");
    }
}

/// The parameters about notifications, sorted.
fn of_notifications(parameters: &str) -> Vec<String> {
    let is_one = |parameter: &&str| {
        let name = parameter.split('=').next();
        ["RET", "ENVID", "NOTIFY", "ORCPT"].contains(&name.unwrap_or_default())
    };
    let mut all: Vec<_> = parameters.split(' ').filter(is_one).collect();
    all.sort_unstable();
    all.into_iter().map(str::to_owned).collect()
}

/// Sends each of [`ASKED`] to that server; it must arrive at the sink unchanged.
fn all_comes_through(server: SocketAddr, sink: &Collector) {
    for (number, asked) in ASKED.into_iter().enumerate() {
        let to = format!("bob{number}@example.com");
        send(server, &to, asked);
        sink.only_message(&to);
        let came = of_notifications(&sink.asked(&to));
        let (of_mail, of_rcpt) = asked;
        let expected = of_notifications(&format!("{of_mail} {of_rcpt}"));
        assert_eq!(came, expected);
    }
}

#[test]
fn what_is_asked_of_notifications_comes_from_postfix() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    let postfix = Postfix::client(&site, agent.users, "PLAIN");
    all_comes_through(postfix.address, &sink);
}

#[test]
fn what_is_asked_of_notifications_comes_from_exim() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    let exim = Exim::client(&site, agent.users);
    all_comes_through(exim.address, &sink);
}

#[test]
fn what_is_asked_of_notifications_goes_to_postfix_which_does_it() {
    let (site, sink) = (Site::new(), Collector::start());
    let postfix = Postfix::that_passes_dsn_on(&site, sink.address, "PLAIN");
    let agent = Agent::start(&site, &site.endpoint(postfix.address));
    all_comes_through(agent.open, &sink);
    // The recipients are refused behind Postfix, which notifies the sender or not.
    let [never, failure] = ["550@example.com", "553@example.com"];
    send(agent.open, never, ASKED[1]);
    postfix.await_line(&[never, "status=bounced"]);
    send(agent.open, failure, ASKED[0]);
    let asked = [
        "Original-Envelope-Id: QQ+314",
        "Original-Recipient: rfc822;first+one@example.org",
    ];
    is_told_of_one(&sink, failure, never, asked);
}

#[test]
fn what_is_asked_of_notifications_goes_to_exim_which_does_it() {
    let (site, sink) = (Site::new(), Collector::start());
    let exim = Exim::server(&site, sink.address);
    let agent = Agent::start(&site, &site.endpoint(exim.address));
    all_comes_through(agent.open, &sink);
    let [never, failure] = ["550@example.com", "553@example.com"];
    send(agent.open, never, ASKED[1]);
    exim.await_line(&["** ", never]);
    send(agent.open, failure, ASKED[0]);
    // Postfix repeats the parameters as it got them.
    let asked = [
        "Original-Envelope-ID: QQ+2B314",
        "Original-Recipient: rfc822;first+2Bone@example.org",
    ];
    is_told_of_one(&sink, failure, never, asked);
}

/// The sender gets a notification about the recipient that failed, with the values of the first of
/// [`ASKED`], and none about the recipient with NOTIFY=NEVER.
fn is_told_of_one(sink: &Collector, failure: &str, never: &str, asked: [&str; 2]) {
    let told = sink.only_message(FROM);
    let general = ["Action: failed", failure, "Subject: hi"];
    for words in general.into_iter().chain(asked) {
        assert!(told.contains(words), "{words}: {told}");
    }
    // The notification has the header of the message, and not its content.
    assert!(!told.contains("\r\nhello\r\n"), "{told}");
    assert!(!told.contains(never), "{told}");
}
