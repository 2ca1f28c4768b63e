//! What a session costs: writes, and what it holds.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::{reply::Reply, transaction::Transaction};
use koukan_smtp::{
    Server,
    server::{Connected, Limits, ServerTimeouts},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::Semaphore,
};
use tower::{BoxError, service_fn};

/// A transport that has all its input at once, packet by packet, and remembers each write.
#[derive(Debug, Clone, Default)]
struct Wire(Arc<Mutex<Packets>>);

#[derive(Debug, Default)]
struct Packets {
    read: VecDeque<Vec<u8>>,
    written: Vec<String>,
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut packets = self.0.lock().unwrap();
        if let Some(mut packet) = packets.read.pop_front() {
            let rest = packet.split_off(packet.len().min(buffer.remaining()));
            buffer.put_slice(&packet);
            if !rest.is_empty() {
                packets.read.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let text = String::from_utf8(octets.to_vec()).unwrap();
        self.0.lock().unwrap().written.push(text);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The codes of the replies, write by write.
async fn writes(packets: &[&str]) -> Vec<String> {
    let wire = Wire::default();
    let read = packets.iter().map(|packet| packet.as_bytes().to_vec());
    wire.0.lock().unwrap().read.extend(read);
    let server = Server::new(support::service(support::Log::default()));
    server.serve(wire.clone(), &Connected::default()).await;
    let codes = |write: &String| {
        let codes: Vec<_> = write.lines().map(|line| &line[..3]).collect();
        codes.join(" ")
    };
    wire.0.lock().unwrap().written.iter().map(codes).collect()
}

#[tokio::test]
async fn what_comes_together_is_answered_together() {
    let written = writes(&[
        "EHLO client\r\n",
        "MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n\
         RCPT TO:<unknown@example.com>\r\nNOOP\r\nDATA\r\n",
        "hello\r\n.\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n\
         BDAT 5\r\nhelloBDAT 2 LAST\r\n\r\nQUIT\r\n",
    ])
    .await;
    assert_eq!(
        written,
        [
            "220",
            "250 250 250 250 250 250 250 250 250 250 250",
            "250 250 550 250 354",
            "250 250 250 250 250 221",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_not_held_back_by_what_is_not() {
    let written = writes(&[
        "HELO client\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n\
         RCPT TO:<slow@example.com>\r\nRCPT TO:<bob@example.com>\r\nQUIT\r\n",
    ])
    .await;
    assert_eq!(written, ["220", "250 250 250", "250 250 221"]);
}

/// Upstream takes nothing: what the session holds then is bounded, and the client has to wait.
#[tokio::test(start_paused = true)]
async fn a_slow_upstream_slows_the_client() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let service = service_fn(move |mut tx: Transaction| {
        let gate = Arc::clone(&opened);
        async move {
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = tx.recipients.next().await? {
                rcpt.answer(Reply::recipient_ok());
            }
            let _open = gate.acquire().await?;
            let mut octets = 0;
            while let Some(chunk) = tx.body.next().await? {
                octets += chunk.len();
            }
            Ok::<_, BoxError>(Reply::message_accepted().with_text(octets.to_string()))
        }
    });
    let server = Server::new(service).with_limits(Limits::default().with_body_buffer(16 << 10));
    let (client, theirs) = tokio::io::duplex(1024);
    tokio::spawn(server.serve(theirs, &Connected::default()));
    let (mut replies, mut client) = tokio::io::split(client);
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    tokio::spawn(async move {
        let start = "HELO client\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n";
        client.write_all(start.as_bytes()).await.unwrap();
        for _ in 0..10_000 {
            client.write_all(&[b'x'; 100]).await.unwrap();
            counter.fetch_add(100, Ordering::Relaxed);
        }
        client.write_all(b"\r\n.\r\nQUIT\r\n").await.unwrap();
    });
    // Longer than any client may be silent: time that upstream takes is not the client's.
    tokio::time::advance(Duration::ZERO).await;
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    let held = sent.load(Ordering::Relaxed);
    assert!((1000..100_000).contains(&held), "{held} octets held");
    gate.add_permits(1);
    let mut text = String::new();
    replies.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("250 1000002 id="), "{text}");
}

/// A reply that comes from elsewhere does not stand for what comes with it.
#[tokio::test(start_paused = true)]
async fn a_call_goes_on_while_the_client_is_silent() {
    let gone_on = Arc::new(Semaphore::new(0));
    let counter = Arc::clone(&gone_on);
    let service = service_fn(move |mut tx: Transaction| {
        let gone_on = Arc::clone(&counter);
        async move {
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = tx.recipients.next().await? {
                tokio::spawn(async move { rcpt.answer(Reply::recipient_ok()) }).await?;
                gone_on.add_permits(1);
            }
            Ok::<_, BoxError>(Reply::local_error())
        }
    });
    let (mut client, theirs) = tokio::io::duplex(4096);
    tokio::spawn(Server::new(service).serve(theirs, &Connected::default()));
    let start = "HELO client\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.com>\r\n";
    client.write_all(start.as_bytes()).await.unwrap();
    let gone_on = tokio::time::timeout(Duration::from_secs(1), gone_on.acquire());
    gone_on
        .await
        .expect("the call was not polled")
        .unwrap()
        .forget();
}

/// A client that does not take its replies is dropped, however long it goes on to ask.
#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_dropped() {
    let server = Server::new(support::service(support::Log::default()))
        .with_timeouts(ServerTimeouts::default().with_write(Duration::from_secs(10)));
    let (mut client, theirs) = tokio::io::duplex(256);
    let started = tokio::time::Instant::now();
    let session = tokio::spawn(server.serve(theirs, &Connected::default()));
    while client.write_all(b"NOOP\r\n").await.is_ok() {}
    session.await.unwrap();
    assert!(
        started.elapsed() <= Duration::from_secs(21),
        "{:?}",
        started.elapsed()
    );
}

/// One octet a second is not silence, and still is too slow, though a client may be silent for three minutes once.
#[tokio::test(start_paused = true)]
async fn who_drips_is_cut_off() {
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone()));
    let (client, theirs) = tokio::io::duplex(4096);
    let started = tokio::time::Instant::now();
    let session = tokio::spawn(server.serve(theirs, &Connected::default()));
    let (mut replies, mut client) = tokio::io::split(client);
    let start = "HELO client\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n";
    client.write_all(start.as_bytes()).await.unwrap();
    let drip = tokio::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut text = String::new();
    replies.read_to_string(&mut text).await.unwrap();
    assert!(
        text.contains("\r\n354 ") && text.contains("\r\n421 "),
        "{text}"
    );
    session.await.unwrap();
    drip.abort();
    assert_eq!(log.rest().last().unwrap(), "aborted");
    assert!(
        started.elapsed() < Duration::from_secs(250),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn an_idle_session_is_small() {
    let server = Server::new(support::service(support::Log::default()));
    let session = server.serve(Wire::default(), &Connected::default());
    let size = std::mem::size_of_val(&session);
    assert!(size < 4096, "{size} octets");
}
