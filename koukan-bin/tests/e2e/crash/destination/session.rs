//! The server's side of an SMTP session, which knows nothing of the code under test.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::sleep,
};

use crate::crash::{
    book::Book,
    plan::{Step, step},
};

/// How long [`Step::AcceptLate`] takes.
const LATE: Duration = Duration::from_millis(200);
/// How long [`Step::Hang`] takes.
const HUNG: Duration = Duration::from_millis(1200);

pub(super) struct Session {
    input: BufReader<OwnedReadHalf>,
    output: OwnedWriteHalf,
    book: Arc<Book>,
    is_closing: watch::Receiver<bool>,
    /// The run of the agent, from the name in its EHLO.
    run: u32,
    recipients: Vec<(String, Step)>,
}

/// Whether the session goes on; otherwise it is closed without another reply.
type Next = io::Result<bool>;

impl Session {
    pub(super) fn new(
        stream: TcpStream,
        book: Arc<Book>,
        is_closing: watch::Receiver<bool>,
    ) -> Self {
        let (input, output) = stream.into_split();
        Self {
            input: BufReader::new(input),
            output,
            book,
            is_closing,
            run: 0,
            recipients: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        self.say("220 destination.example").await?;
        loop {
            let mut line = String::new();
            // The session is closed only between two commands: a reply that was begun is finished.
            let mut is_closing = self.is_closing.clone();
            tokio::select! {
                read = self.input.read_line(&mut line) => read?,
                _ = is_closing.wait_for(|is_closing| *is_closing) => return Ok(()),
            };
            if !self.command(line.trim_end()).await? {
                return Ok(());
            }
        }
    }

    async fn command(&mut self, line: &str) -> Next {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let name = line.get(5..).unwrap_or_default();
                let run = name.strip_prefix("run-").and_then(|name| {
                    let run = name.strip_suffix(".example")?;
                    run.parse().ok()
                });
                self.run = run.expect("the agent says which run it is");
                self.say("250-destination.example\r\n250-PIPELINING\r\n250 8BITMIME")
                    .await
            }
            "MAIL" | "RSET" => {
                self.recipients.clear();
                self.say("250 ok").await
            }
            "RCPT" => self.recipient(line).await,
            "DATA" if self.recipients.is_empty() => self.say("503 no recipients").await,
            "DATA" => {
                self.say("354 go on").await?;
                match self.message().await? {
                    Some(message) => self.end(&message).await,
                    None => Ok(false),
                }
            }
            "NOOP" => self.say("250 ok").await,
            // QUIT, or the end of the input.
            _ => Ok(false),
        }
    }

    async fn recipient(&mut self, line: &str) -> Next {
        let to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let attempt = self.book.attempt(&to);
        let step = step(&to, attempt);
        let words = format!("attempt {attempt} at it, in run {}: {step:?}", self.run);
        self.book.note(&to, words);
        match step {
            Step::DeferRecipient => self.say("450 4.2.1 later").await,
            Step::RefuseRecipient => self.say("550 5.1.1 never").await,
            Step::CloseAtRecipient => Ok(false),
            _ => {
                self.recipients.push((to, step));
                self.say("250 ok").await
            }
        }
    }

    /// The message up to the dot; `None` if the client breaks off.
    async fn message(&mut self) -> io::Result<Option<String>> {
        let mut message = String::new();
        loop {
            let start = message.len();
            if self.input.read_line(&mut message).await? == 0 {
                return Ok(None);
            }
            if &message[start..] == ".\r\n" {
                message.truncate(start);
                return Ok(Some(message));
            }
            if message[start..].starts_with('.') {
                message.remove(start);
            }
        }
    }

    async fn end(&mut self, message: &str) -> Next {
        let recipients = std::mem::take(&mut self.recipients);
        let is_any = |wanted| recipients.iter().any(|(_, step)| *step == wanted);
        if is_any(Step::CloseAtEnd) {
            return Ok(false);
        }
        if is_any(Step::Hang) {
            sleep(HUNG).await;
            return Ok(false);
        }
        if is_any(Step::RefuseMessage) {
            // All recipients of the transaction share the reply.
            for (to, _) in &recipients {
                self.book.refused(to);
                let words = format!("the destination says 554, in run {}", self.run);
                self.book.note(to, words);
            }
            return self.say("554 5.6.0 never").await;
        }
        if is_any(Step::DeferMessage) {
            return self.say("451 4.3.0 later").await;
        }
        if is_any(Step::AcceptLate) {
            sleep(LATE).await;
        }
        // The delivery is written down before the reply is sent, so whoever gets the reply finds it
        // in the book.
        for (to, _) in &recipients {
            self.book.delivered(to, self.run, message);
            let words = format!("the destination says 250, in run {}", self.run);
            self.book.note(to, words);
        }
        self.say("250 taken").await
    }

    async fn say(&mut self, reply: &str) -> Next {
        let line = format!("{reply}\r\n");
        self.output.write_all(line.as_bytes()).await?;
        Ok(true)
    }
}
