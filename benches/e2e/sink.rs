//! A destination that answers as fast as it can and checks that each message comes once.

use std::{
    collections::HashMap,
    io::{Write, stdin},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::Failed;

/// How often each recipient's message came.
type Seen = Arc<Mutex<HashMap<Vec<u8>, u32>>>;

pub(crate) fn run(address: SocketAddr) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let listening = runtime.block_on(TcpListener::bind(address))?;
    // Whoever started the sink ends it by closing its input.
    let end = runtime.spawn_blocking(|| stdin().read_line(&mut String::new()));
    runtime.block_on(async move {
        tokio::select! {
            result = accept(listening, kept) => result,
            _ = end => Ok(()),
        }
    })?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let duplicates = seen.values().filter(|count| **count > 1).count();
    println!("{} {duplicates}", seen.len());
    std::io::stdout().flush()?;
    runtime.shutdown_background();
    Ok(())
}

async fn accept(listener: TcpListener, seen: Seen) -> Result<(), Failed> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            // A client that breaks off has sent nothing that counts.
            let _ = serve(stream, seen).await;
        });
    }
}

async fn serve(mut stream: TcpStream, seen: Seen) -> Result<(), Failed> {
    stream.write_all(b"220 sink\r\n").await?;
    let mut input = Vec::with_capacity(128 << 10);
    let mut recipients: Vec<Vec<u8>> = Vec::new();
    let mut replies = Vec::new();
    let mut is_in_message = false;
    loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        let mut used = 0;
        loop {
            let rest = &input[used..];
            if is_in_message {
                let Some(end) = end_of_message(rest) else {
                    // Of a message only what may be the start of its end is kept.
                    used += rest.len().saturating_sub(4);
                    break;
                };
                used += end;
                is_in_message = false;
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                for recipient in recipients.drain(..) {
                    *seen.entry(recipient).or_default() += 1;
                }
                replies.extend_from_slice(b"250 ok\r\n");
                continue;
            }
            let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
                break;
            };
            let line = &rest[..end];
            used += end + 2;
            match line.get(..4) {
                Some(b"EHLO") => {
                    replies.extend_from_slice(b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n");
                }
                Some(b"RCPT") => {
                    recipients.push(line.to_vec());
                    replies.extend_from_slice(b"250 ok\r\n");
                }
                Some(b"DATA") => {
                    is_in_message = true;
                    replies.extend_from_slice(b"354 go on\r\n");
                }
                Some(b"QUIT") => {
                    replies.extend_from_slice(b"221 bye\r\n");
                    stream.write_all(&replies).await?;
                    return Ok(());
                }
                _ => replies.extend_from_slice(b"250 ok\r\n"),
            }
        }
        input.drain(..used);
        if !replies.is_empty() {
            stream.write_all(&replies).await?;
            replies.clear();
        }
    }
}

/// Where the message ends, if its end is there.
fn end_of_message(octets: &[u8]) -> Option<usize> {
    // The line end before the dot may have come with earlier octets, all but four of which are
    // gone; the message itself holds no line with a dot alone.
    let mut from = 0;
    while let Some(dot) = octets[from..].iter().position(|octet| *octet == b'.') {
        let at = from + dot;
        let is_line_start = at >= 2 && octets[at - 2..at] == *b"\r\n";
        if is_line_start && octets.get(at + 1..at + 3) == Some(b"\r\n") {
            return Some(at + 3);
        }
        from = at + 1;
    }
    None
}
