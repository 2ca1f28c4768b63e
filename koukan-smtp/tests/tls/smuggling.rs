//! What passes for the end of a message elsewhere ends none here, and what comes behind it is no command: however it
//! is cut, in clear and over TLS, behind a proxy, by DATA and by BDAT.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{reply::Reply, test_util::Authority, transaction::Transaction};
use koukan_smtp::{
    Server,
    codec::BareLineEnds,
    server::{Limits, MakeMailService},
};
use proptest::prelude::*;
use tokio::{runtime, task::yield_now, time::timeout};
use tower::{BoxError, service_fn};

use crate::{line_client::LineClient, support::running::Running};

/// What some servers take for the end of a message, or clients pass on unchanged that others take for it.
const ENDINGS: [&str; 14] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\n.\r",
    "\r.\n",
    "\r\n.\r\r\n",
    "\r\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n. \r\n",
    "\r\n..\r\n",
    "\r\n\r.\r\n",
];
/// Commands behind it, and the end that everybody knows.
const SMUGGLED: &str =
    "MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\na: b\r\n\r\n.\r\n";
const MAIL: &str = "MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n";

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0f\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x00\x19\x04\x00\x00";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Clear,
    StartTls,
    Immediate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Data,
    /// One chunk.
    Chunk,
    /// Two, the second of which begins after so many octets of the ending.
    Chunks(usize),
}

use Security::{Clear, Immediate, StartTls};

/// The reverse-paths of the transactions that there were, and whether they came to their end.
type Seen = Arc<Mutex<Vec<(String, bool)>>>;

fn server(seen: &Seen) -> Server<impl MakeMailService> {
    let seen = Arc::clone(seen);
    let service = service_fn(move |mut tx: Transaction| {
        let seen = Arc::clone(&seen);
        async move {
            let from = tx.mail.request().reverse_path.to_string();
            let index = {
                let mut seen = seen.lock().unwrap();
                seen.push((from, false));
                seen.len() - 1
            };
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = tx.recipients.next().await? {
                rcpt.answer(Reply::recipient_ok());
            }
            while tx.body.next().await?.is_some() {}
            seen.lock().unwrap()[index].1 = true;
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    });
    Server::new(service).with_limits(
        Limits::default()
            .with_idle_commands(u32::MAX)
            .with_errors(u32::MAX),
    )
}

/// A client of a server that is behind a proxy or not, and has TLS or not.
struct Peer {
    running: Running,
    client: LineClient,
    seen: Seen,
}

impl Peer {
    async fn connect(
        authority: &Authority,
        (header, security): (&[u8], Security),
        policy: BareLineEnds,
        cuts: &[usize],
    ) -> Self {
        let seen = Seen::default();
        let server = server(&seen).with_bare_line_ends(policy);
        let server = match header.is_empty() {
            true => server,
            false => server.with_proxies(["127.0.0.0/8".parse().unwrap()]),
        };
        let server = match security {
            Clear => server,
            StartTls => server.with_starttls(authority.server("mx.example")),
            Immediate => server.with_immediate_tls(authority.server("mx.example")),
        };
        let running = Running::start(server).await;
        let client = LineClient::connect(&running).await;
        let mut peer = Self {
            running,
            client,
            seen,
        };
        peer.send_cut(header, cuts).await;
        if security == Immediate {
            peer.client
                .begin_tls(&authority.client(), "mx.example")
                .await;
        }
        assert!(peer.reply().await.starts_with("220 "));
        peer.ask("EHLO me\r\n", "250").await;
        if security == StartTls {
            peer.ask("STARTTLS\r\n", "220").await;
            peer.client
                .begin_tls(&authority.client(), "mx.example")
                .await;
            peer.ask("EHLO me\r\n", "250").await;
        }
        peer
    }

    /// Ends both sides, without waiting for them.
    fn leave(self) {
        self.running.task.abort();
    }

    /// Sends in pieces of these lengths, over and over; the server may read each before the next.
    async fn send_cut(&mut self, mut octets: &[u8], cuts: &[usize]) {
        for length in cuts.iter().cycle() {
            let (piece, rest) = octets.split_at((*length).min(octets.len()));
            if !piece.is_empty() {
                self.client.send(piece).await;
                yield_now().await;
                yield_now().await;
            }
            if rest.is_empty() {
                return;
            }
            octets = rest;
        }
    }

    async fn reply(&mut self) -> String {
        let reply = self.client.reply();
        timeout(Duration::from_secs(60), reply).await.unwrap()
    }

    async fn ask(&mut self, command: &str, code: &str) {
        self.client.send(command).await;
        let reply = self.reply().await;
        assert!(reply.starts_with(code), "{command:?}: {reply}");
    }

    /// Sends a message with that ending in it, and commands behind that. Cuts say where.
    async fn smuggle(
        &mut self,
        ending: &str,
        framing: Framing,
        policy: BareLineEnds,
        cuts: &[usize],
    ) {
        let head = "a: b\r\n\r\nx";
        let content = format!("{head}{ending}{SMUGGLED}");
        // Which must not end before its end is there.
        let wire = match framing {
            Framing::Data => content.clone(),
            Framing::Chunk => format!("BDAT {} LAST\r\n{content}", content.len()),
            Framing::Chunks(at) => {
                let (first, last) = content.split_at(head.len() + at.min(ending.len()));
                let (n, m) = (first.len(), last.len());
                format!("BDAT {n}\r\n{first}BDAT {m} LAST\r\n{last}")
            }
        };
        self.ask(MAIL, "250").await;
        assert!(self.reply().await.starts_with("250"));
        if framing == Framing::Data {
            self.ask("DATA\r\n", "354").await;
        }
        self.send_cut(wire.as_bytes(), cuts).await;
        let mut reply = self.reply().await;
        if matches!(framing, Framing::Chunks(_)) {
            // Both chunks have an answer.
            reply = self.reply().await;
        }
        let framed = match framing {
            // By DATA the lines are told by their ends.
            Framing::Data => content.strip_suffix(".\r\n").unwrap(),
            _ => &*content,
        };
        let is_sound = is_sound(framed, policy);
        let expected = if is_sound { "250 2.6.0 " } else { "554 5.6.0 " };
        assert!(
            reply.starts_with(expected),
            "{ending:?} {framing:?}: {reply}"
        );
        // Nothing more was carried out, and nothing is left to be.
        self.ask("NOOP\r\n", "250 2.0.0 ok").await;
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(
            *seen,
            [("alice@example.com".to_owned(), is_sound)],
            "{ending:?} {framing:?}"
        );
        seen.clear();
    }
}

/// Whether a message is taken: its lines end as they are to, or can be made to.
fn is_sound(message: &str, policy: BareLineEnds) -> bool {
    let whole = message.replace("\r\n", "");
    match policy {
        BareLineEnds::Reject => !whole.contains(['\r', '\n']),
        _ => !whole.contains('\r'),
    }
}

const FRAMINGS: [Framing; 5] = [
    Framing::Data,
    Framing::Chunk,
    Framing::Chunks(1),
    Framing::Chunks(2),
    Framing::Chunks(3),
];
const POLICIES: [BareLineEnds; 2] = [BareLineEnds::Reject, BareLineEnds::Normalise];

/// Each ending with a cut at each of its octets, on each way.
#[tokio::test]
async fn nothing_is_smuggled_whatever_chunk_ends_where() {
    let authority = Authority::new();
    for header in [&b""[..], V1, V2] {
        for security in [Clear, StartTls, Immediate] {
            for policy in POLICIES {
                let way = (header, security);
                let mut peer = Peer::connect(&authority, way, policy, &[1]).await;
                for ending in ENDINGS {
                    for framing in FRAMINGS {
                        // Up to the ending, one octet after the other, and the rest.
                        let before = "a: b\r\n\r\nx".len();
                        for cut in before..=before + ending.len() {
                            peer.smuggle(ending, framing, policy, &[cut, usize::MAX])
                                .await;
                        }
                    }
                }
                peer.leave();
            }
        }
    }
}

/// The end that everybody knows does end a message: what this test looks for can be seen.
#[tokio::test]
async fn what_is_behind_a_real_end_is_carried_out() {
    let authority = Authority::new();
    let way = (&b""[..], Clear);
    let mut peer = Peer::connect(&authority, way, BareLineEnds::Reject, &[1]).await;
    peer.ask(MAIL, "250").await;
    peer.reply().await;
    peer.ask("DATA\r\n", "354").await;
    peer.send_cut(format!("a\r\n.\r\n{SMUGGLED}").as_bytes(), &[3])
        .await;
    for code in ["250", "250", "250", "354", "250"] {
        let reply = peer.reply().await;
        assert!(reply.starts_with(code), "{reply}");
    }
    let from: Vec<_> = peer.seen.lock().unwrap().drain(..).collect();
    let expected = ["alice@example.com", "evil@example.com"];
    assert_eq!(from, expected.map(|from| (from.to_owned(), true)));
    peer.leave();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_smuggled_however_it_is_cut(
        header in prop::sample::select(vec![&b""[..], V1, V2]),
        security in prop::sample::select(vec![Clear, StartTls, Immediate]),
        framing in prop::sample::select(FRAMINGS.to_vec()),
        policy in prop::sample::select(POLICIES.to_vec()),
        endings in prop::collection::vec(prop::sample::select(ENDINGS.to_vec()), 1..6),
        cuts in prop::collection::vec(1_usize..24, 1..12),
    ) {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let authority = Authority::new();
            let mut peer = Peer::connect(&authority, (header, security), policy, &cuts).await;
            for ending in endings {
                peer.smuggle(ending, framing, policy, &cuts).await;
            }
            peer.leave();
        });
    }
}
