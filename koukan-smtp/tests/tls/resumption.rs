//! Connections to one host after another: each goes on with a session of the one before.

use koukan_core::{
    test_util::Authority,
    tls::{ClientTls, ServerTls},
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint, TlsPolicy};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    client::outcome,
    support::{reply_from, running::Running},
    tells_tls,
};

/// Takes one message by STARTTLS, ends the connection after it, and tells how hands were shaken.
async fn take_one(stream: TcpStream, tls: &ServerTls) -> String {
    let mut io = BufReader::new(stream);
    io.write_all(b"220 mx.example\r\n").await.unwrap();
    let mut line = String::new();
    while !line.starts_with("STARTTLS") {
        line.clear();
        assert_ne!(io.read_line(&mut line).await.unwrap(), 0);
        let reply: &[u8] = match line.starts_with("EHLO") {
            true => b"250-mx.example\r\n250 STARTTLS\r\n",
            false => b"220 go on\r\n",
        };
        io.write_all(reply).await.unwrap();
    }
    take_rest(io.into_inner(), tls, b"").await
}

/// Shakes hands, greets if there is something to say, and goes on as [`take_one`] does.
async fn take_rest(stream: TcpStream, tls: &ServerTls, greeting: &[u8]) -> String {
    let stream = tls.accept(stream).await.unwrap();
    let kind = format!("{:?}", stream.get_ref().1.handshake_kind().unwrap());
    let mut io = BufReader::new(stream);
    io.write_all(greeting).await.unwrap();
    let mut line = String::new();
    while line != ".\r\n" {
        line.clear();
        assert_ne!(io.read_line(&mut line).await.unwrap(), 0);
        let reply: &[u8] = match line.get(..4) {
            Some("EHLO" | "MAIL" | "RCPT") => b"250 ok\r\n",
            Some("DATA") => b"354 go on\r\n",
            _ => continue,
        };
        io.write_all(reply).await.unwrap();
    }
    io.write_all(b"250 ok\r\n").await.unwrap();
    io.shutdown().await.unwrap();
    kind
}

#[tokio::test]
async fn connections_to_a_host_resume_sessions() {
    for is_immediate in [false, true] {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = authority.server("localhost");
        let (told, mut kinds) = mpsc::channel(3);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kind = match is_immediate {
                    true => take_rest(stream, &tls, b"220 mx.example\r\n").await,
                    false => take_one(stream, &tls).await,
                };
                told.send(kind).await.unwrap();
            }
        });
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts([format!("localhost:{port}").parse().unwrap()]);
        let policy = match is_immediate {
            true => TlsPolicy::Immediate(authority.client()),
            false => TlsPolicy::Required(authority.client()),
        };
        let endpoint = SmtpEndpoint::new(settings.with_tls(policy));
        for kind in ["Full", "Resumed", "Resumed"] {
            assert_eq!(outcome(&endpoint).await, "250 ok");
            assert_eq!(kinds.recv().await.unwrap(), kind);
        }
    }
}

/// A client that says EHLO over TLS and leaves: how hands were shaken.
async fn meet(running: &Running, tls: &ClientTls) -> String {
    let mut io = running.connect().await;
    reply_from(&mut io).await;
    for command in ["EHLO me\r\n", "STARTTLS\r\n"] {
        io.write_all(command.as_bytes()).await.unwrap();
        assert!(reply_from(&mut io).await.starts_with("2"));
    }
    let (mut io, _) = tls.connect("localhost", io).await.unwrap();
    io.write_all(b"EHLO me\r\n").await.unwrap();
    // With it come the tickets.
    assert!(reply_from(&mut io).await.starts_with("250-"));
    format!("{:?}", io.get_ref().1.handshake_kind().unwrap())
}

#[tokio::test]
async fn clients_of_a_server_resume_sessions() {
    let authority = Authority::new();
    let server = tells_tls().with_starttls(authority.server("localhost"));
    let running = Running::start(server).await;
    let client = authority.client();
    for kind in ["Full", "Resumed", "Resumed"] {
        assert_eq!(meet(&running, &client).await, kind);
    }
}
