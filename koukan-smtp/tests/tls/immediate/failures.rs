//! What becomes of mail if TLS cannot begin with the first octet.

use std::{net::SocketAddr, path::Path};

use async_trait::async_trait;
use koukan_core::{
    network::{BoxWire, Connector},
    path::Parameter,
    reply::{Recording, Speaker},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::mpsc,
    time::Instant,
};

use super::*;

/// Gets what a server has heard, once its client has left.
type Heard = mpsc::Sender<Vec<u8>>;

/// Greets in clear, piece by piece, and listens until the client leaves.
async fn greet_in_clear(mut io: DuplexStream, pieces: &[&str], heard: Heard) {
    for piece in pieces {
        // It may have left already.
        let _ = io.write_all(piece.as_bytes()).await;
        tokio::task::yield_now().await;
    }
    let mut said = Vec::new();
    let _ = io.read_to_end(&mut said).await;
    let _ = heard.send(said).await;
}

/// A server for STARTTLS is recognised, and hears nothing of the mail. The reply says what to change, and the dialogue
/// has what the server said.
#[tokio::test(start_paused = true)]
async fn a_server_that_greets_in_clear_gets_nothing() {
    const GREETINGS: [&[&str]; 2] = [
        &["220 mx.example ESMTP\r\n"],
        &["2", "20 mx.exa", "mple ESMTP\r\n"],
    ];
    for pieces in GREETINGS {
        for tls in [ClientTls::unverified(), Authority::new().client()] {
            let (told, mut heard) = mpsc::channel(1);
            let connector = ScriptedConnector::new(move |_, io| {
                tokio::spawn(greet_in_clear(io, pieces, told.clone()));
            });
            let endpoint = endpoint_at("mx.example:25", TlsPolicy::Immediate(tls), &connector);
            let to = [rcpt("bob@mx.example")];
            let outcome = send(endpoint, mail("a@me.example"), to, "a: b\r\n\r\nhi\r\n").await;
            let reply = outcome.verdict(0);
            let text = reply.to_string();
            assert!(
                text.starts_with("451 4.7.4 mx.example (192.0.2.1:25)"),
                "{text}"
            );
            assert!(text.contains("greets in clear"), "{text}");
            assert!(text.contains("STARTTLS"), "{text}");
            let recording = reply.extensions().get::<Recording>().expect("it is told");
            let dialogue = recording.dialogue().unwrap();
            let said = dialogue.said.last().unwrap();
            assert_eq!(said.by, Speaker::Server);
            assert!(pieces[0].starts_with(&said.text[..1]), "{said:?}");
            let heard = heard.recv().await.unwrap();
            // A handshake, and nothing that is a command.
            assert_eq!(heard.first(), Some(&22));
            for command in [&b"EHLO"[..], b"MAIL", b"STARTTLS", b"QUIT"] {
                let is_heard = heard.windows(command.len()).any(|part| part == command);
                assert!(!is_heard, "{}", heard.escape_ascii());
            }
        }
    }
}

/// Servers that have too many connections say so before TLS. That is no lasting failure, also where TLS is required.
#[tokio::test(start_paused = true)]
async fn a_refusal_in_clear_is_the_hosts() {
    for (sends, expected) in [
        (
            "421 Too many concurrent SMTP connections; please try again later.\r\n",
            "451 4.3.2 mx.example (192.0.2.1:465) refused its service at TLS handshake: 421 Too many",
        ),
        (
            "554 5.7.1 you speak first\r\n",
            "451 4.3.2 mx.example (192.0.2.1:465) refused its service at TLS handshake: 554 5.7.1 you",
        ),
        ("42", "451 4.4.2 lost the connection to mx.example"),
    ] {
        for is_required in [false, true] {
            let (told, _heard) = mpsc::channel(1);
            let connector = ScriptedConnector::new(move |_, io| {
                let told = told.clone();
                tokio::spawn(async move { greet_in_clear(io, &[sends], told).await });
            });
            let policy = TlsPolicy::Immediate(Authority::new().client());
            let endpoint = endpoint_at("mx.example:465", policy, &connector);
            let mut from = mail("a@me.example");
            if is_required {
                let parameter = Parameter::new("REQUIRETLS", None).unwrap();
                from.parameters.push(parameter).unwrap();
            }
            let to = [rcpt("bob@mx.example")];
            let outcome = send(endpoint, from, to, "a: b\r\n\r\nhi\r\n").await;
            let text = outcome.verdict(0).to_string();
            assert!(text.starts_with(expected), "{text}");
        }
    }
}

/// The time is that of the handshake, and the host counts as one that does not answer.
#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_in_the_handshake_is_left() {
    let connector = ScriptedConnector::new(|_, mut io| {
        tokio::spawn(async move { io.read_to_end(&mut Vec::new()).await });
    });
    let policy = TlsPolicy::Immediate(ClientTls::unverified());
    let endpoint = endpoint_at("mx.example:465", policy, &connector);
    for _ in 0..2 {
        // What fails within a second counts once.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let begun = Instant::now();
        let text = outcome(&endpoint).await;
        assert!(text.starts_with("451 4.4.2 timeout waiting for"), "{text}");
        assert!(text.ends_with("at TLS handshake"), "{text}");
        assert_eq!(begun.elapsed(), Duration::from_secs(60));
    }
    let begun = Instant::now();
    let text = outcome(&endpoint).await;
    assert!(text.contains("has not answered"), "{text}");
    assert_eq!(
        (begun.elapsed(), connector.asked().len()),
        (Duration::ZERO, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_amid_the_handshake_is_told_of() {
    let policy = || TlsPolicy::Immediate(ClientTls::unverified());
    // At once, after it has heard something, and after something that is neither a greeting nor TLS.
    for (is_heard, sends, expected) in [
        (false, &b""[..], "451 4.4.2 lost the connection to"),
        (true, b"", "451 4.4.2 lost the connection to"),
        (true, b"\x00nonsense", "451 4.7.5 no TLS with"),
    ] {
        let connector = ScriptedConnector::new(move |_, mut io| {
            tokio::spawn(async move {
                if is_heard {
                    let _ = io.read(&mut [0; 64]).await;
                }
                let _ = io.write_all(sends).await;
            });
        });
        let text = outcome(&endpoint_at("mx.example:465", policy(), &connector)).await;
        assert!(text.starts_with(expected), "{text}");
    }
}

/// The other way round: the server waits for TLS, and the client for a greeting.
#[tokio::test(start_paused = true)]
async fn a_server_that_awaits_tls_is_guessed_by_its_port() {
    let authority = Authority::new();
    let tls = authority.server("mx.example");
    // The address that ends with 9 ends connections. The other awaits TLS, and does not greet.
    let connector = ScriptedConnector::new(move |address: SocketAddr, io| {
        let tls = tls.clone();
        tokio::spawn(async move {
            if address.ip().to_string().ends_with(".9") {
                return;
            }
            let Ok(mut stream) = tls.accept(io).await else {
                return;
            };
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
    });
    let hint = "at port 465 TLS usually begins with the first octet";
    let (timeout, lost) = (
        "451 4.4.2 timeout waiting for",
        "451 4.4.2 lost the connection",
    );
    let opportunistic = || TlsPolicy::Opportunistic(ClientTls::unverified());
    let immediate = || TlsPolicy::Immediate(authority.client());
    for (host, policy, expected, is_hinted) in [
        ("mx.example:465", TlsPolicy::Never, timeout, true),
        ("mx.example:465", opportunistic(), timeout, true),
        (
            "mx.example:465",
            TlsPolicy::Required(authority.client()),
            timeout,
            true,
        ),
        ("192.0.2.9:465", opportunistic(), lost, true),
        ("mx.example:587", opportunistic(), timeout, false),
        ("192.0.2.9:587", opportunistic(), lost, false),
        ("mx.example:465", immediate(), timeout, false),
    ] {
        let text = outcome(&endpoint_at(host, policy, &connector)).await;
        assert!(text.starts_with(expected), "{host}: {text}");
        assert_eq!(text.contains(hint), is_hinted, "{host}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_fails_gives_way_to_the_next() {
    let authority = Authority::new();
    let (told, _heard) = mpsc::channel(1);
    let tls = authority.server("mx.example");
    let connector = ScriptedConnector::new(move |address: SocketAddr, io| match address.port() {
        465 => {
            tokio::spawn(greet_in_clear(io, &["220 mx.example\r\n"], told.clone()));
        }
        _ => {
            tokio::spawn(serve_at_once(tells_tls(), io, tls.clone()));
        }
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let hosts = ["mx.example:465", "mx.example:466"];
    let settings = settings
        .with_hosts(hosts.map(|host| host.parse().unwrap()))
        .with_tls(TlsPolicy::Immediate(authority.client()));
    let text = outcome(&endpoint_of(settings, &connector)).await;
    assert!(text.contains("over TLSv1.3"), "{text}");
}

/// A Unix socket. What is heard there is sent to the test.
#[derive(Debug)]
struct AtPath(mpsc::Sender<Vec<u8>>);

#[async_trait]
impl Connector for AtPath {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect_unix(&self, _: &Path) -> io::Result<BoxWire> {
        let (ours, mut theirs) = duplex(4096);
        let told = self.0.clone();
        tokio::spawn(async move {
            let mut said = Vec::new();
            theirs.read_to_end(&mut said).await.unwrap();
            told.send(said).await.unwrap();
        });
        Ok(Box::new(ours))
    }
}

/// There is no TLS with it, so nothing is said there.
#[tokio::test(start_paused = true)]
async fn a_unix_socket_gets_nothing() {
    let (told, mut heard) = mpsc::channel(1);
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_hosts(["unix:/run/smtp".parse().unwrap()])
        .with_tls(TlsPolicy::Immediate(ClientTls::unverified()));
    let resolver = Arc::new(ScriptedResolver::new());
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(AtPath(told)), resolver);
    let text = outcome(&endpoint).await;
    assert!(text.starts_with("451 4.7.4 "), "{text}");
    assert_eq!(heard.recv().await.unwrap(), b"");
}
