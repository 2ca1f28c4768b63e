//! Each recipient gets its own reply, in whatever pieces and order the replies arrive.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use koukan_core::{
    network::{BoxWire, Connector, SystemResolver},
    signals::HostPort,
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::sending::{rcpt, start};

/// Connects to servers that refuse recipients whose name starts with `x`, and send their replies
/// in pieces.
#[derive(Debug, Clone)]
struct Choppy {
    is_pipelined: bool,
    piece: usize,
}

#[async_trait]
impl Connector for Choppy {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        let (client, server) = duplex(64);
        tokio::spawn(serve(server, self.clone()));
        Ok(Box::new(client))
    }
}

async fn serve(io: DuplexStream, choppy: Choppy) -> io::Result<()> {
    let mut io = BufReader::new(io);
    let mut replies = "220 mx\r\n".to_owned();
    let mut line = String::new();
    let mut is_data = false;
    loop {
        // Replies to commands that arrived together are sent together.
        if !io.buffer().contains(&b'\n') {
            for piece in replies.as_bytes().chunks(choppy.piece) {
                io.write_all(piece).await?;
                tokio::task::yield_now().await;
            }
            replies.clear();
        }
        line.clear();
        if io.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let name = line.trim_start_matches("RCPT TO:<").split('@').next();
        let reply = match &line[..4.min(line.len())] {
            ".\r\n" => {
                is_data = false;
                "250 queued".to_owned()
            }
            _ if is_data => continue,
            "EHLO" if choppy.is_pipelined => "250-mx\r\n250 PIPELINING".to_owned(),
            "RCPT" if name.is_some_and(|name| name.starts_with('x')) => {
                format!("550-5.1.1 no\r\n550 5.1.1 {}", name.unwrap_or_default())
            }
            "RCPT" => format!("250 2.1.5 {}", name.unwrap_or_default()),
            "DATA" => {
                is_data = true;
                "354 go".to_owned()
            }
            _ => "250 ok".to_owned(),
        };
        replies.push_str(&reply);
        replies.push_str("\r\n");
    }
}

async fn check(recipients: Vec<(bool, bool)>, choppy: Choppy) {
    let settings = ClientSettings::new("me.example").unwrap();
    let host: HostPort = "192.0.2.1:25".parse().unwrap();
    let settings = settings.with_hosts([host]);
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(choppy), Arc::new(SystemResolver));
    // Twice, over the same connection.
    for _ in 0..2 {
        let (mut driver, mut mail) = start(&endpoint);
        let mut pending = Vec::new();
        for (number, &(is_refused, is_waited_for)) in recipients.iter().enumerate() {
            let name = format!("{}{number}", if is_refused { "x" } else { "b" });
            let reply = if is_refused {
                "550 5.1.1 no / "
            } else {
                "250 2.1.5 "
            };
            let reply = format!("{reply}{name}");
            let mut slot = driver.rcpt(rcpt(&name)).await;
            if is_waited_for {
                assert_eq!(driver.wait(&mut slot).await.to_string(), reply);
            } else {
                pending.push((slot, reply));
            }
        }
        let _ = driver.send("hi\r\n..\r\n".into()).await;
        let last = driver.finish().await;
        assert!(driver.wait(&mut mail).await.is_positive());
        for (mut slot, reply) in pending {
            assert_eq!(driver.wait(&mut slot).await.to_string(), reply);
        }
        let is_accepted = recipients.iter().any(|(is_refused, _)| !is_refused);
        assert_eq!(last.is_positive(), is_accepted, "{last}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_recipient_gets_its_own_reply(
        recipients in prop::collection::vec((any::<bool>(), prop::bool::weighted(0.2)), 1..130),
        is_pipelined in any::<bool>(),
        piece in 1_usize..80,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(check(recipients, Choppy { is_pipelined, piece }));
    }
}
