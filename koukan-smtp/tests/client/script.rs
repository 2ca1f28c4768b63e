//! A server that does what a script says, and fails where the client does something else.
//!
//! | line | the server |
//! |---|---|
//! | `S: text` | sends a line; several in a row are sent together |
//! | `RAW text` | sends that without a line end |
//! | `LF text / text` | sends lines that end with a bare LF |
//! | `C: text` | receives that line |
//! | `READ n` | receives that many octets |
//! | `BLOCKS n` | receives BDAT blocks of that many octets together, and accepts each but the last |
//! | `PAUSE n` | receives and sends nothing for that many seconds |
//! | `QUIET` | receives nothing for a second |
//! | `EOF` | sees the client close the connection, and nothing before that |
//! | `ABORTED` | receives anything until the client closes, but no end of a message |
//! | `CLOSE` | closes the connection |
//!
//! After the last line it closes the connection.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{sleep, timeout},
};

/// The server's side of a connection.
struct Server<Io> {
    io: Io,
    input: Vec<u8>,
}

/// Follows the script to its end.
pub(crate) async fn follow<Io: AsyncRead + AsyncWrite + Unpin>(script: String, io: Io) {
    let mut server = Server {
        io,
        input: Vec::new(),
    };
    let mut lines = script.lines().map(str::trim_start).peekable();
    while let Some(line) = lines.next() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("", _) => {}
            ("S:", text) => {
                let mut output = format!("{text}\r\n");
                while let Some(next) = lines.next_if(|next| next.starts_with("S: ")) {
                    output.push_str(&next[3..]);
                    output.push_str("\r\n");
                }
                // The client may be gone by now; the next line tells.
                let _ = server.io.write_all(output.as_bytes()).await;
            }
            ("RAW", text) => server.io.write_all(text.as_bytes()).await.unwrap(),
            ("LF", text) => {
                let output = text.replace(" / ", "\n") + "\n";
                server.io.write_all(output.as_bytes()).await.unwrap();
            }
            ("C:", text) => assert_eq!(server.line().await, text, "in script:\n{script:.2000}"),
            ("READ", octets) => server.octets(octets.parse().unwrap()).await,
            ("BLOCKS", octets) => server.blocks(octets.parse().unwrap()).await,
            ("PAUSE", seconds) => sleep(Duration::from_secs(seconds.parse().unwrap())).await,
            ("QUIET", _) => server.quiet().await,
            ("EOF", _) => {
                let rest = server.rest().await;
                assert_eq!(rest, "", "in script:\n{script:.2000}");
            }
            ("ABORTED", _) => {
                let rest = server.rest().await;
                let is_ended = rest.ends_with("\r\n.\r\n") || rest.contains("LAST");
                assert!(!is_ended, "a message was ended: {rest:.200}");
            }
            ("CLOSE", _) => return,
            _ => panic!("not a line of a script: {line}"),
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Server<Io> {
    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.input.drain(..end + 2).collect();
                let line = String::from_utf8(line).unwrap();
                return line.trim_end_matches("\r\n").to_owned();
            }
            if self.read().await == 0 {
                return format!("(end, after {:?})", String::from_utf8_lossy(&self.input));
            }
        }
    }

    async fn octets(&mut self, count: usize) {
        while self.input.len() < count {
            assert_ne!(self.read().await, 0, "the client has closed");
        }
        self.input.drain(..count);
    }

    async fn blocks(&mut self, octets: usize) {
        let mut left = octets;
        loop {
            let line = self.line().await;
            let arguments = line.strip_prefix("BDAT ").expect(&line);
            let (count, last) = arguments.split_once(' ').unwrap_or((arguments, ""));
            let count = count.parse().unwrap();
            self.octets(count).await;
            left -= count;
            if last == "LAST" {
                return assert_eq!(left, 0, "octets that did not come");
            }
            self.io.write_all(b"250 go on\r\n").await.unwrap();
        }
    }

    async fn quiet(&mut self) {
        let silence = timeout(Duration::from_secs(1), self.read()).await;
        assert!(
            silence.is_err() && self.input.is_empty(),
            "{:?}",
            self.input
        );
    }

    async fn rest(&mut self) -> String {
        while self.read().await > 0 {}
        String::from_utf8_lossy(&self.input).into_owned()
    }

    async fn read(&mut self) -> usize {
        self.io.read_buf(&mut self.input).await.unwrap_or(0)
    }
}
