//! Plays the scripts in `conversations/` against a server.
//!
//! Those in `conversations/states/` have what leads to a state, and then `== VERB` and what is said with that
//! command in it, for each command: each has a session of its own.
//!
//! | line | |
//! |---|---|
//! | `C: text` | sends the text and CRLF; lines that follow each other go in one piece |
//! | `C> text` | sends the text, with the escapes of a Rust string, and nothing else |
//! | `C* n text` | sends the text, with escapes, n times |
//! | `S: line` | expects that line; a `*` at its end stands for anything |
//! | `S* n line` | expects that line n times |
//! | `S.` | expects the rest of a reply of several lines |
//! | `S-` | expects that the server closes the connection |
//! | `C-` | the client closes its half; `C!` drops the connection |
//! | `U: line` | expects that the service saw that next |
//! | `U-` | expects that the service saw nothing more |
//! | `W: n` | the client is silent for n seconds |
//! | `T: n` | expects that n seconds have passed since the start |
//! | `@ user name:password` | lets that user authenticate himself |
//! | `@ auth clear`, `@ auth required` | without TLS, too; before MAIL; or both |
//! | `@ tls offered`, `@ tls required` | the transport becomes another one with STARTTLS; before MAIL |
//! | `@ xclient network` | who connects from there may say by XCLIENT for whom it is here, and the client does |
//! | `@ greeting refused` | the client is not welcome |
//! | `@ protocol lmtp` | the server speaks LMTP |
//! | `@ key value` | sets a limit, a timeout (in seconds) or `bare_line_ends`, before anything else |
//! | `#` | a comment |

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{fs, path::PathBuf, time::Duration};

use koukan_core::{blocking::BlockingPool, reply::Reply};
use koukan_smtp::{
    Protocol, Server,
    codec::BareLineEnds,
    sasl::scram::Verifier,
    server::{Config, Connected, Greeting, Introduction, PasswordFile},
};
use rstest::rstest;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream},
    time::{Instant, sleep, timeout},
};
use tower::{BoxError, service_fn};

use support::becomes_tls::BecomesTls;

/// Every command, as `codec::Command` knows them.
const VERBS: [&str; 16] = [
    "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "EXPN", "HELP",
    "QUIT", "STARTTLS", "AUTH", "XCLIENT",
];

#[rstest]
#[tokio::test(start_paused = true)]
async fn conversation(#[files("tests/conversations/*.txt")] path: PathBuf) {
    play(&fs::read_to_string(&path).unwrap()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_command_in_a_state(#[files("tests/conversations/states/*.txt")] path: PathBuf) {
    let script = fs::read_to_string(&path).unwrap();
    let mut sections = script.split("\n== ");
    let way = sections.next().unwrap();
    let mut tried = Vec::new();
    for section in sections {
        let (verb, said) = section.split_once('\n').unwrap();
        assert!(said.starts_with(&format!("C: {verb}")), "{verb}");
        play(&format!("{way}\n{said}")).await;
        tried.push(verb);
    }
    assert_eq!(tried, VERBS);
}

/// A command that is added has its place in every state.
#[test]
fn there_are_no_other_commands() {
    let source = include_str!("../src/codec/command/parse.rs");
    let (_, names) = source.split_once("const NAMES").unwrap();
    let (names, _) = names.split_once("];").unwrap();
    let mut known: Vec<_> = names.split('"').skip(1).step_by(2).collect();
    let mut verbs = VERBS;
    known.sort_unstable();
    verbs.sort_unstable();
    assert_eq!(known, verbs);
}

async fn play(script: &str) {
    let mut config = Config::default();
    let mut connected = Connected::default();
    config.name = "mx.example.com".into();
    for line in script.lines() {
        if let Some(setting) = line.strip_prefix("@ ") {
            set(&mut config, setting);
        }
    }
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone())).with_config(config);
    let mut server = match users(script) {
        Some(users) => server.with_authenticator(users),
        None => server,
    };
    let has = |setting| script.lines().any(|line| line == setting);
    if script.contains("\n@ xclient ") {
        connected.remote_host = Some("192.0.2.9:1234".parse().unwrap());
    }
    if has("@ greeting refused") {
        server = server.with_greeter(service_fn(|_: Introduction| async {
            Ok::<_, BoxError>(Greeting::Refused(Reply::policy_refused()))
        }));
    }
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let session = match script.contains("\n@ tls ") {
        true => tokio::spawn(server.serve_upgradable(BecomesTls::new(theirs), &connected)),
        false => tokio::spawn(server.serve(theirs, &connected)),
    };
    let mut player = Player {
        io: Some(BufReader::new(ours)),
        unsent: Vec::new(),
        log,
        started: Instant::now(),
    };
    for (number, line) in script.lines().enumerate() {
        let place = format!("line {}: {line}", number + 1);
        let played = timeout(Duration::from_secs(24 * 60 * 60), player.play(line, &place));
        played.await.expect(&place);
    }
    drop(player);
    session.await.expect("the session does not panic");
}

/// Those who may authenticate themselves, if anybody may.
fn users(script: &str) -> Option<PasswordFile> {
    let users = script
        .lines()
        .filter_map(|line| line.strip_prefix("@ user "));
    let entries = users.map(|user| {
        let (user, password) = user.split_once(':').expect("a name and a password");
        format!("{user}:{}\n", Verifier::new(password, 4096).unwrap())
    });
    let entries: String = entries.collect();
    let entries = (!entries.is_empty()).then(|| entries.parse().unwrap());
    entries.map(|entries| PasswordFile::new(entries, BlockingPool::default()).unwrap())
}

fn set(config: &mut Config, setting: &str) {
    let (key, value) = setting.split_once(' ').expect("a key and a value");
    match key {
        "user" => return,
        "auth" => {
            config.is_auth_clear = value.contains("clear");
            config.is_auth_required = value.contains("required");
            return;
        }
        "tls" => return config.is_tls_required = value == "required",
        "xclient" => return config.xclients = [value.parse().unwrap()].into(),
        "greeting" => return assert_eq!(value, "refused"),
        _ => {}
    }
    if key == "protocol" {
        assert_eq!(value, "lmtp");
        config.protocol = Protocol::Lmtp;
        return;
    }
    if key == "bare_line_ends" {
        config.bare_line_ends = match value {
            "reject" => BareLineEnds::Reject,
            "normalise" => BareLineEnds::Normalise,
            _ => panic!("no such choice"),
        };
        return;
    }
    let (limits, timeouts) = (&mut config.limits, &mut config.timeouts);
    let number: u64 = value.parse().expect("a number");
    let duration = Duration::from_secs(number);
    match key {
        "command_line" => limits.command_line = number as usize,
        "message_size" => limits.message_size = number,
        "text_line" => limits.text_line = Some(number as usize),
        "recipients" => limits.recipients = number as usize,
        "recipient_domains" => limits.recipient_domains = Some(number as usize),
        "transactions" => limits.transactions = number as u32,
        "errors" => limits.errors = number as u32,
        "refused_recipients" => limits.refused_recipients = number as u32,
        "prompt_refusals" => limits.prompt_refusals = number as u32,
        "refusal_delay" => limits.refusal_delay = duration,
        "idle_commands" => limits.idle_commands = number as u32,
        "failed_authentications" => limits.failed_authentications = number as u32,
        "data_rate" => limits.data_rate = number,
        "greeting_delay" => timeouts.greeting_delay = duration,
        "command" => timeouts.command = duration,
        "data_block" => timeouts.data_block = duration,
        "data_grace" => timeouts.data_grace = duration,
        "write" => timeouts.write = duration,
        "session" => timeouts.session = duration,
        _ => panic!("no setting {key}"),
    }
}

struct Player {
    io: Option<BufReader<DuplexStream>>,
    unsent: Vec<u8>,
    log: support::Log,
    started: Instant,
}

impl Player {
    async fn play(&mut self, line: &str, place: &str) {
        let (mark, text) = line.split_at(line.len().min(2));
        let text = text.strip_prefix(' ').unwrap_or(text);
        match mark {
            "C:" => {
                self.unsent.extend_from_slice(text.as_bytes());
                return self.unsent.extend_from_slice(b"\r\n");
            }
            "C>" => return self.unsent.extend(unescape(text)),
            "C*" => {
                let (count, text) = text.split_once(' ').unwrap();
                let octets = unescape(text).repeat(count.parse().unwrap());
                return self.unsent.extend(octets);
            }
            _ => self.send().await,
        }
        match mark {
            "S:" => self.expect(text, place).await,
            "S*" => {
                let (count, line) = text.split_once(' ').unwrap();
                for _ in 0..count.parse().unwrap() {
                    self.expect(line, place).await;
                }
            }
            "S." => while self.line().await.as_bytes()[3] == b'-' {},
            "S-" => assert_eq!(self.line().await, "", "{place}"),
            "C-" => self.io().shutdown().await.expect(place),
            "C!" => self.io = None,
            "U:" => assert_eq!(self.log.next().await, text, "{place}"),
            "U-" => assert_eq!(self.log.rest(), [""; 0], "{place}"),
            "T:" => assert_eq!(
                self.started.elapsed().as_secs(),
                text.parse::<u64>().unwrap(),
                "{place}"
            ),
            "W:" => sleep(Duration::from_secs(text.parse().unwrap())).await,
            "" | "# " | "#" | "@ " => {}
            _ => panic!("what is this? {place}"),
        }
    }

    fn io(&mut self) -> &mut BufReader<DuplexStream> {
        self.io.as_mut().expect("the connection is open")
    }

    /// A server that has closed the connection does not read; what matters is what it says.
    async fn send(&mut self) {
        let octets = std::mem::take(&mut self.unsent);
        if let Some(io) = &mut self.io {
            let _ = io.write_all(&octets).await;
        }
    }

    async fn expect(&mut self, expected: &str, place: &str) {
        let line = self.line().await;
        let found = line.strip_suffix("\r\n");
        match expected.strip_suffix('*') {
            Some(start) => assert!(
                found.is_some_and(|found| found.starts_with(start)),
                "{place}: {line:?}"
            ),
            None => assert_eq!(found, Some(expected), "{place}"),
        }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.io().read_line(&mut line).await.unwrap();
        line
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match (octet, octet == b'\\') {
            (_, false) => octet,
            _ => match rest.next().expect("an escape") {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'\\' => b'\\',
                b'x' => {
                    let mut digit = || rest.next().and_then(|d| (d as char).to_digit(16)).unwrap();
                    (digit() * 16 + digit()) as u8
                }
                other => panic!("escape {}", other as char),
            },
        });
    }
    octets
}
