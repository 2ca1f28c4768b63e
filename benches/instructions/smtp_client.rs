//! A client that sends the same message again and again.

use std::fmt::Write;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// One connection.
pub(crate) struct SmtpClient {
    io: DuplexStream,
    input: Vec<u8>,
    output: String,
}

impl SmtpClient {
    pub(crate) fn new(io: DuplexStream) -> Self {
        Self {
            io,
            input: Vec::with_capacity(4096),
            output: String::with_capacity(256 << 10),
        }
    }

    pub(crate) async fn greet(&mut self) {
        self.replies(1).await;
        self.command("EHLO client.example\r\n").await;
    }

    /// Sends `message`; waits for each reply, or for those of MAIL, RCPT and DATA together.
    pub(crate) async fn send(&mut self, message: &str, recipients: usize, is_pipelined: bool) {
        let mut waits = 1;
        self.output.push_str("MAIL FROM:<alice@example.org>\r\n");
        for number in 0..recipients {
            if !is_pipelined {
                self.flush(waits).await;
                waits = 0;
            }
            write!(self.output, "RCPT TO:<bob{number}@example.com>\r\n")
                .expect("a string grows as needed");
            waits += 1;
        }
        if !is_pipelined {
            self.flush(waits).await;
            waits = 0;
        }
        self.output.push_str("DATA\r\n");
        self.flush(waits + 1).await;
        self.output.push_str(message);
        self.output.push_str(".\r\n");
        self.flush(1).await;
    }

    pub(crate) async fn quit(mut self) {
        self.command("QUIT\r\n").await;
    }

    async fn command(&mut self, command: &str) {
        self.output.push_str(command);
        self.flush(1).await;
    }

    /// Sends the output, and waits for this many replies.
    async fn flush(&mut self, replies: usize) {
        let sent = self.io.write_all(self.output.as_bytes()).await;
        sent.expect("the server reads");
        self.output.clear();
        self.replies(replies).await;
    }

    /// Waits for this many replies, all of them positive.
    async fn replies(&mut self, count: usize) {
        let mut missing = count;
        while missing > 0 {
            let read = self.io.read_buf(&mut self.input).await;
            assert_ne!(read.expect("the server writes"), 0, "the server is gone");
            if !self.input.ends_with(b"\r\n") {
                continue;
            }
            for line in self.input.split_inclusive(|octet| *octet == b'\n') {
                assert!(matches!(line[0], b'2' | b'3'), "{}", line.escape_ascii());
                missing -= usize::from(line[3] == b' ');
            }
            self.input.clear();
        }
    }
}
