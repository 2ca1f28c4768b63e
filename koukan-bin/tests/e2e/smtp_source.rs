//! Postfix's smtp-source and smtp-sink.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    agent::Agent,
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, eventually, free_address},
};

/// Sends messages of `size` octets through an agent; each of them must arrive.
fn flood(sessions: u32, messages: u32, size: u32, recipients: u32, options: &[&str]) {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    source(agent.ingress, sessions, messages, size, recipients, options);
    let expected = (messages * recipients) as usize;
    eventually(Duration::from_secs(60), || sink.count() >= expected);
    assert_eq!(sink.count(), expected);
}

fn source(
    server: SocketAddr,
    sessions: u32,
    messages: u32,
    size: u32,
    recipients: u32,
    options: &[&str],
) {
    run(peer("smtp-source")
        .args(options)
        .args(["-s", &sessions.to_string()])
        .args(["-m", &messages.to_string()])
        .args(["-l", &size.to_string()])
        .args(["-r", &recipients.to_string()])
        .args(["-f", "a@example.org", "-t", "b@example.com"])
        .arg(server.to_string()));
}

#[test]
fn one_session_kept() {
    flood(1, 50, 5_000, 1, &["-d"]);
}

#[test]
fn ten_sessions_with_new_connections() {
    flood(10, 200, 5_000, 1, &[]);
}

#[test]
fn fifty_sessions_kept() {
    flood(50, 500, 1_000, 1, &["-d"]);
}

#[test]
fn ten_recipients_a_message() {
    flood(10, 50, 5_000, 10, &["-d"]);
}

#[test]
fn messages_of_25_mib() {
    flood(2, 4, 25 << 20, 1, &[]);
}

#[test]
fn koukan_sink_gets_every_message() {
    let folder = tempfile::tempdir().unwrap();
    let printed = folder.path().join("printed");
    let address = free_address();
    let mut sink = Command::new(env!("CARGO_BIN_EXE_koukan"));
    sink.args(["sink", "--listen", &address.to_string()]);
    sink.stdout(std::fs::File::create(&printed).unwrap());
    let mut sink = Process::start(&mut sink);
    await_listener(address);
    let agent = Agent::start(address);
    source(agent.ingress, 10, 100, 5_000, 1, &[]);
    // Standard output into a file is written when there is much of it, and at the end.
    sink.signal("INT");
    assert!(sink.wait(Duration::from_secs(20)).success());
    let printed = std::fs::read_to_string(&printed).unwrap();
    let of_one = "from <a@example.org> to b@example.com: ";
    assert_eq!(printed.matches(of_one).count(), 100, "{printed}");
}

#[test]
fn smtp_sink_gets_every_message_whole() {
    let folder = tempfile::tempdir().unwrap();
    let address = free_address();
    let dump = folder.path().join("mail.%M");
    let mut sink = peer("smtp-sink");
    sink.args(["-u", &user()]).arg("-d").arg(&dump);
    sink.arg(address.to_string())
        .arg("64")
        .stderr(Stdio::null());
    make_writable(folder.path());
    let _sink = Process::start(&mut sink);
    await_listener(address);
    let agent = Agent::start(address);
    source(agent.ingress, 10, 100, 5_000, 1, &[]);
    // One message goes directly to the sink, to compare the others with it.
    source(address, 1, 1, 5_000, 1, &[]);
    eventually(Duration::from_secs(30), || {
        let bodies = bodies(folder.path());
        bodies.len() == 101 && bodies.iter().all(|body| *body == bodies[0])
    });
    assert!(bodies(folder.path())[0].len() > 4_000);
}

/// The part after the header of each message that smtp-sink wrote.
fn bodies(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let dumps = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    dumps
        .filter_map(|dump| Some(dump.split_once("\n\n")?.1.to_owned()))
        .collect()
}

/// If root starts smtp-sink, it must run as another user.
fn user() -> String {
    let id = run(peer("id").arg("-un"));
    match id.trim() {
        "root" => "nobody".into(),
        other => other.into(),
    }
}

fn make_writable(folder: &Path) {
    run(peer("chmod").arg("777").arg(folder));
}
