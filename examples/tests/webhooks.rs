//! The webhook receivers accept signed requests, and nothing else.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(clippy::disallowed_methods, reason = "receivers look at the clock")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use koukan_rest::webhook::Secrets;
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";
const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

struct Receiver {
    process: Child,
    address: String,
    output: BufReader<ChildStdout>,
}

impl Receiver {
    fn start(mut command: Command, secrets: &Path) -> Self {
        command
            .arg("127.0.0.1:0")
            .arg(secrets)
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut receiver = Self {
            process,
            address: String::new(),
            output,
        };
        let line = receiver.next_line();
        receiver.address = line.strip_prefix("listening on ").unwrap().into();
        receiver
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// The status of the answer to a request with this content and signature.
    fn answer(&self, content: &str, sent: u64, signature: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).unwrap();
        let length = content.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
             webhook-id: a.1\r\nwebhook-timestamp: {sent}\r\nwebhook-signature: {signature}\r\n\r\n{content}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn signed(secrets: &str, content: &str, sent: u64) -> String {
    let secrets = Secrets::parse(secrets).unwrap();
    let sent = i64::try_from(sent).unwrap();
    secrets.sign("a.1", sent, content.as_bytes())
}

fn content(ids: &[u64]) -> String {
    let events = ids
        .iter()
        .map(|id| json!({"id": id.to_string(), "type": "delivered"}));
    json!({"type": "events", "data": {"events": events.collect::<Vec<_>>()}}).to_string()
}

fn takes_what_is_signed(command: Command) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    // One secret is being replaced.
    fs::write(&file, format!("{SECRET}\n{NEXT}\n")).unwrap();
    let mut receiver = Receiver::start(command, &file);
    // Agents keep their connections. One that is silent does not hold up the others.
    let _silent = TcpStream::connect(&receiver.address).unwrap();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();

    let first = content(&[7, 8]);
    let good = signed(SECRET, &first, now);
    assert_eq!(receiver.answer(&first, now, &good), 204);
    // It is sent again, with another event: the agent did not get the answer.
    let again = content(&[7, 8, 9]);
    assert_eq!(
        receiver.answer(&again, now, &signed(NEXT, &again, now)),
        204
    );
    for id in ["7", "8", "9"] {
        let event: Value = serde_json::from_str(&receiver.next_line()).unwrap();
        assert_eq!(event["id"], id);
    }

    let last = content(&[10]);
    let by_another = signed(OTHER, &last, now);
    let (early, late) = (now - 3600, now + 3600);
    for (what, octets, sent, signature) in [
        ("nothing", &last, now, String::new()),
        ("another secret", &last, now, by_another.clone()),
        ("other octets", &last, now, good.clone()),
        ("another time", &first, now + 1, good.clone()),
        ("long ago", &last, early, signed(SECRET, &last, early)),
        ("not yet", &last, late, signed(SECRET, &last, late)),
        (
            "no version",
            &last,
            now,
            signed(SECRET, &last, now).replace("v1,", ""),
        ),
        (
            "another version",
            &last,
            now,
            signed(SECRET, &last, now).replace("v1,", "v2,"),
        ),
        (
            "a part of it",
            &first,
            now,
            good[..good.len() - 4].to_owned(),
        ),
    ] {
        assert_eq!(receiver.answer(octets, sent, &signature), 401, "{what}");
    }
    let one_of_two = format!("{by_another} {}", signed(SECRET, &last, now));
    assert_eq!(receiver.answer(&last, now, &one_of_two), 204);
    let event: Value = serde_json::from_str(&receiver.next_line()).unwrap();
    assert_eq!(event["id"], "10");
}

fn script(program: &str, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("webhooks")
            .join(name),
    );
    command
}

#[test]
fn in_rust() {
    // Test programs are in a directory beside that of the examples.
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(Path::parent).unwrap();
    takes_what_is_signed(Command::new(folder.join("examples/webhook_receiver")));
}

#[test]
fn in_python() {
    takes_what_is_signed(script("python3", "receiver.py"));
}

#[test]
fn in_javascript() {
    takes_what_is_signed(script("node", "receiver.mjs"));
}
