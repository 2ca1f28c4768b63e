//! The client: how much of TLS it asks of whom.

use std::net::SocketAddr;

use koukan_core::{
    test_util::{Authority, mail, rcpt, send},
    tls::ClientTls,
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint, TlsPolicy};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::{support::running::Running, tells_tls};

/// What somebody between client and server may do, or a server that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// STARTTLS is refused for now.
    Refuses,
    /// The session is ended at STARTTLS.
    Closes,
    /// What comes after 220 is no TLS.
    Babbles,
    /// The connection is closed after 220.
    HangsUp,
}

/// A server that offers STARTTLS, and goes on in clear without it.
async fn troubled(trouble: Trouble) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, trouble));
        }
    });
    address
}

/// Serves somebody, with that trouble.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    trouble: Trouble,
) -> std::io::Result<()> {
    let mut io = BufReader::new(stream);
    io.write_all(b"220 mx.example\r\n").await?;
    let mut is_message = false;
    loop {
        let mut line = String::new();
        if io.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let reply = match (line.get(..4).unwrap_or_default(), trouble) {
            (".\r\n", _) | ("", _) if is_message && line == ".\r\n" => {
                is_message = false;
                "250 over clear\r\n"
            }
            _ if is_message => continue,
            ("EHLO", _) => "250-mx.example\r\n250 STARTTLS\r\n",
            ("STAR", Trouble::Refuses) => "454 4.7.0 not now\r\n",
            ("STAR", Trouble::Closes) => "421 4.7.0 bye\r\n",
            ("STAR", Trouble::Babbles) => "220 go on\r\n250 hello\r\n250 hello\r\n",
            ("STAR", Trouble::HangsUp) => {
                io.write_all(b"220 go on\r\n").await?;
                return Ok(());
            }
            ("DATA", _) => {
                is_message = true;
                "354 go on\r\n"
            }
            ("QUIT", _) => "221 bye\r\n",
            // A handshake, of which no line is a command.
            _ if !line.is_ascii() => return Ok(()),
            _ => "250 ok\r\n",
        };
        io.write_all(reply.as_bytes()).await?;
        if reply.starts_with("421") {
            return Ok(());
        }
    }
}

pub(crate) fn endpoint(host: &str, policy: TlsPolicy) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts([host.parse().unwrap()]);
    SmtpEndpoint::new(settings.with_tls(policy))
}

/// What becomes of a message.
pub(crate) async fn outcome(endpoint: &SmtpEndpoint) -> String {
    let to = [rcpt("bob@mx.example")];
    let outcome = send(
        endpoint.clone(),
        mail("a@me.example"),
        to,
        "a: b\r\n\r\nhi\r\n",
    )
    .await;
    outcome.verdict(0).to_string()
}

fn unverified() -> ClientTls {
    ClientTls::unverified()
}

#[tokio::test]
async fn how_mail_goes_depends_on_what_is_asked_for_and_what_is_there() {
    use TlsPolicy::{Never, Opportunistic, Required};
    let (authority, other) = (Authority::new(), Authority::new());
    let plain = Running::start(tells_tls()).await;
    let secure = tells_tls().with_starttls(authority.server("localhost"));
    let secure = Running::start(secure).await;
    let (plain, secure) = (plain.address.port(), secure.address.port());
    let mut troubled_ports = Vec::new();
    for trouble in [
        Trouble::Refuses,
        Trouble::Closes,
        Trouble::Babbles,
        Trouble::HangsUp,
    ] {
        troubled_ports.push(troubled(trouble).await.port());
    }
    let policies = [
        Never,
        Opportunistic(unverified()),
        Required(unverified()),
        Required(authority.client()),
        Required(other.client()),
    ];
    let (clear, tls) = ("over clear", "over TLSv1.3");
    let (not_offered, failed) = ("451 4.7.4", "451 4.7.5");
    for (port, expected) in [
        (plain, [clear, clear, not_offered, not_offered, not_offered]),
        (secure, [clear, tls, tls, tls, failed]),
        (
            troubled_ports[0],
            [clear, clear, "451 4.3.2", "451 4.3.2", "451 4.3.2"],
        ),
        (
            troubled_ports[1],
            [clear, clear, "451 4.3.2", "451 4.3.2", "451 4.3.2"],
        ),
        (troubled_ports[2], [clear, clear, failed, failed, failed]),
        (troubled_ports[3], [clear, clear, failed, failed, failed]),
    ] {
        for (policy, expected) in policies.iter().zip(expected) {
            let endpoint = endpoint(&format!("localhost:{port}"), policy.clone());
            // The second on a connection that is kept, where there is one.
            for _ in 0..2 {
                let outcome = outcome(&endpoint).await;
                assert!(outcome.contains(expected), "{policy:?} {port}: {outcome}");
            }
            endpoint.close().await;
        }
    }
}

#[tokio::test]
async fn the_certificate_is_to_be_for_the_name_that_the_host_is_known_by() {
    let authority = Authority::new();
    let server = tells_tls().with_starttls(authority.server("127.0.0.1"));
    let running = Running::start(server).await;
    let port = running.address.port();
    for (host, expected) in [("127.0.0.1", "over TLSv1.3"), ("localhost", "451 4.7.5")] {
        let policy = TlsPolicy::Required(authority.client());
        let endpoint = endpoint(&format!("{host}:{port}"), policy);
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains(expected), "{outcome}");
        if expected.starts_with('4') {
            assert!(
                outcome.contains("localhost") && outcome.contains("certificate"),
                "{outcome}"
            );
        }
    }
}

#[tokio::test]
async fn a_host_whose_tls_is_not_believed_gives_way_to_the_next() {
    let (authority, other) = (Authority::new(), Authority::new());
    let bad = Running::start(tells_tls().with_starttls(other.server("localhost"))).await;
    let good = Running::start(tells_tls().with_starttls(authority.server("localhost"))).await;
    let hosts = [&bad, &good].map(|server| format!("localhost:{}", server.address.port()));
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts(hosts.map(|host| host.parse().unwrap()));
    let settings = settings.with_tls(TlsPolicy::Required(authority.client()));
    let outcome = outcome(&SmtpEndpoint::new(settings)).await;
    assert!(outcome.contains("over TLSv1.3"), "{outcome}");
}

#[tokio::test]
async fn replies_tell_how_their_connection_was_encrypted() {
    use koukan_core::reply::{Encryption, TlsVerdict};
    let authority = Authority::new();
    let running = Running::start(tells_tls().with_starttls(authority.server("127.0.0.1"))).await;
    for (tls, verdict) in [
        (authority.client(), TlsVerdict::Verified),
        (ClientTls::unverified(), TlsVerdict::Unverified),
    ] {
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts([running.address.to_string().parse().unwrap()]);
        let endpoint = SmtpEndpoint::new(settings.with_tls(TlsPolicy::Required(tls)));
        let to = [rcpt("bob@mx.example")];
        let outcome = send(endpoint.clone(), mail("a@me.example"), to, "hi\r\n").await;
        let reply = outcome.verdict(0);
        let encryption = reply
            .extensions()
            .get::<Encryption>()
            .expect("TLS was begun");
        assert_eq!(
            (&*encryption.version, encryption.verdict),
            ("TLSv1.3", verdict)
        );
        assert!(encryption.cipher.starts_with("TLS_"), "{encryption:?}");
        endpoint.close().await;
    }
    running.stop().await;
}
