//! One message for many recipients at one destination.

use std::{
    collections::HashSet,
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    agent::Agent,
    client::Client,
    host::{Host, Manner},
    peers::{peer, run},
    process::{Process, await_listener, eventually, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn addresses(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("r{n}@example.com")).collect()
}

#[test]
fn smtp_sink_gets_three_hundred_in_three_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let _sink = sink(folder.path(), address);
    let agent = Agent::start(address);
    let mut client = Client::connect(agent.ingress).unwrap();
    let to = addresses(300);
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let sent = client
        .send_pipelined("a@example.org", &to, MESSAGE)
        .unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    assert_eq!(
        sent.rcpts
            .iter()
            .filter(|rcpt| rcpt.starts_with("250"))
            .count(),
        300
    );
    assert_eq!(named(folder.path()), (3, 300));
}

/// Recipients that were deferred by an outage are sent together, too, once an operator says so.
#[test]
fn smtp_sink_gets_three_hundred_that_were_queued_in_three_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    // With more places, there may be one transaction more than necessary.
    let more = "{ min_attempt_time: 1h, max_attempt_time: 2h }\noutput: { max_in_flight: 200 }";
    let agent = Agent::start_with_retry(address, more);
    let mut client = Client::connect(agent.submission).unwrap();
    let to = addresses(300);
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let sent = client
        .send_pipelined("a@example.org", &to, MESSAGE)
        .unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    let is_accepted = |reply: &String| reply.starts_with("250");
    assert!(sent.rcpts.iter().all(is_accepted), "{:?}", sent.rcpts);
    let _sink = sink(folder.path(), address);
    let (url, host) = (format!("http://{}", agent.rest), address.to_string());
    let order = |words: &[&str]| {
        let mut koukan = Command::new(env!("CARGO_BIN_EXE_koukan"));
        run(koukan.args(words).args(["--url", &url]))
    };
    // All of them are due before the first is attempted.
    order(&["destinations", "suspend", &host]);
    let said = order(&["queue", "retry", "--domain", "example.com"]);
    assert!(said.contains("300 of 300"), "{said}");
    order(&["destinations", "resume", &host]);
    eventually(Duration::from_secs(60), || named(folder.path()).1 >= 300);
    assert_eq!(named(folder.path()), (3, 300));
}

/// Starts smtp-sink, which writes messages into that folder.
fn sink(folder: &Path, address: SocketAddr) -> Process {
    run(peer("chmod").arg("777").arg(folder));
    let user = run(peer("id").arg("-un"));
    // If root starts it, it must run as another user.
    let user = if user.trim() == "root" {
        "nobody"
    } else {
        user.trim()
    };
    let mut sink = peer("smtp-sink");
    sink.args(["-u", user])
        .arg("-d")
        .arg(folder.join("mail.%M"));
    sink.arg(address.to_string())
        .arg("64")
        .stderr(Stdio::null());
    let sink = Process::start(&mut sink);
    await_listener(address);
    sink
}

/// How many messages smtp-sink wrote, and for how many different recipients. No recipient has two.
fn named(folder: &Path) -> (usize, usize) {
    let messages = messages(folder);
    let named: Vec<_> = { messages.iter() }
        .flat_map(|message| recipients(message))
        .collect();
    let different: HashSet<_> = named.iter().collect();
    assert_eq!(named.len(), different.len());
    (messages.len(), named.len())
}

/// The messages that smtp-sink wrote.
fn messages(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.filter(|text| text.contains("X-Rcpt-Args")).collect()
}

fn recipients(message: &str) -> impl Iterator<Item = &str> {
    let lines = message.lines();
    lines.filter_map(|line| line.strip_prefix("X-Rcpt-Args: "))
}

#[test]
fn those_who_are_refused_and_put_off_among_many_are_so_for_themselves() {
    let host = Host::start(Manner::default());
    let agent = Agent::start(host.address);
    let mut to = addresses(298);
    to.insert(100, "no@example.com".into());
    to.insert(200, "later@example.com".into());
    let to: Vec<_> = to.iter().map(String::as_str).collect();

    let mut client = Client::connect(agent.ingress).unwrap();
    let sent = client
        .send_pipelined("a@example.org", &to, MESSAGE)
        .unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    let not_taken = |(_, reply): &(usize, &String)| !reply.starts_with("250");
    let refused: Vec<_> = sent.rcpts.iter().enumerate().filter(not_taken).collect();
    assert!(
        matches!(&*refused, [(100, no), (200, later)]
            if no.starts_with("550 5.1.1") && later.starts_with("450 4.2.1")),
        "{refused:?}"
    );
    let seen = host.seen();
    assert_eq!(seen.copies.len(), 298);
    assert!(seen.transactions <= 3 && seen.connections <= 3, "{seen:?}");
}

#[test]
fn what_was_put_off_for_one_of_many_is_tried_again_for_that_one() {
    let host = Host::start(Manner::default());
    let agent = Agent::start(host.address);
    let mut to = addresses(298);
    to.insert(100, "no@example.com".into());
    to.insert(200, "later@example.com".into());
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let mut submitter = Client::connect(agent.submission).unwrap();
    let sent = submitter
        .send_pipelined("a@example.org", &to, MESSAGE)
        .unwrap();
    assert!(sent.is_accepted(), "{sent:?}");
    assert!(sent.rcpts[100].starts_with("550 5.1.1"), "{sent:?}");
    assert!(sent.rcpts[200].starts_with("250"), "{sent:?}");
    eventually(Duration::from_secs(30), || {
        host.seen().copies.contains_key("later@example.com")
    });
    let seen = host.seen();
    assert_eq!(seen.copies.len(), 299);
    assert!(seen.copies.values().all(|copies| *copies == 1), "{seen:?}");
    // Three, and one for the recipient that was deferred.
    assert!(seen.transactions <= 4 && seen.connections <= 3, "{seen:?}");
    assert_eq!(seen.refused["no@example.com"], 1);
    assert_eq!(seen.refused["later@example.com"], 1);
}
