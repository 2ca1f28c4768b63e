//! An SMTP client that costs as little as possible: one write for each step, and no new buffers.

use std::sync::Arc;

use memchr::memchr;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::either::Either;

use crate::{
    Failed,
    message::{LINES, Template, recipient, recipient_elsewhere},
    tls::{Client, Counts, Stream},
};

use super::Load;

/// Octets of a message that are written together with its header section.
const FIRST: usize = 64 << 10;

/// A client and its connection.
pub(super) struct Smtp {
    load: Load,
    /// Each client has TLS sessions of its own.
    tls: Option<Client>,
    stream: Option<Stream>,
    input: Vec<u8>,
    steps: Vec<Step>,
    /// The message, or the start of a long one.
    start: Template,
    /// Octets of whole lines after that start.
    rest: usize,
}

/// What is written before the client waits for something.
struct Step {
    commands: Template,
    replies: u64,
}

impl Smtp {
    pub(super) fn new(load: &Load, counts: &Arc<Counts>) -> Result<Self, Failed> {
        let tls = load.tls.as_ref().map(|certificate| {
            Client::new(certificate, !load.without_resumption, Arc::clone(counts))
        });
        let mut commands = vec!["MAIL FROM:<load@example.org>\r\n".to_owned()];
        for index in 0..load.recipients {
            let recipient = match load.domains {
                Some(_) => recipient_elsewhere(index),
                None => recipient(index),
            };
            commands.push(format!("RCPT TO:<{recipient}>\r\n"));
        }
        commands.push("DATA\r\n".into());
        let template = |text: String| match load.domains {
            Some(domains) => Template::cycling(text.as_bytes(), domains),
            None => Template::new(text.as_bytes()),
        };
        let step = |commands: &[String]| Step {
            commands: template(commands.concat()),
            replies: commands.len() as u64,
        };
        let steps = match load.pipelining {
            true => vec![step(&commands)],
            false => commands.chunks(1).map(step).collect(),
        };
        let shape = load.shape();
        let first = shape.body.min(FIRST / 72 * 72);
        let mut start = shape.head.into_bytes();
        start.extend_from_slice(&LINES[..first]);
        let rest = shape.body - first;
        if rest == 0 {
            start.extend_from_slice(b".\r\n");
        }
        Ok(Self {
            load: load.clone(),
            tls: tls.transpose()?,
            stream: None,
            input: Vec::with_capacity(4096),
            steps,
            start: Template::new(&start),
            rest,
        })
    }

    /// Sends a message; returns whether it was accepted.
    pub(super) async fn send(&mut self, number: u64) -> Result<bool, Failed> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let mut is_accepted = true;
        let mut code = 0;
        for step in &mut self.steps {
            stream.write_all(step.commands.fill(number)).await?;
            stream.flush().await?;
            for _ in 0..step.replies {
                code = reply(&mut stream, &mut self.input).await?;
                is_accepted &= code < 400;
            }
        }
        if code == 354 {
            stream.write_all(self.start.fill(number)).await?;
            let mut left = self.rest;
            while left > 0 {
                let now = left.min(LINES.len());
                stream.write_all(&LINES[..now]).await?;
                left -= now;
            }
            if self.rest > 0 {
                stream.write_all(b".\r\n").await?;
            }
        } else {
            stream.write_all(b"RSET\r\n").await?;
        }
        stream.flush().await?;
        is_accepted &= reply(&mut stream, &mut self.input).await? < 400;
        self.stream = Some(stream);
        Ok(is_accepted)
    }

    /// Closes the connection if each message is to have its own.
    pub(super) async fn rest(&mut self) -> Result<(), Failed> {
        if self.load.new_connections
            && let Some(mut stream) = self.stream.take()
        {
            ask(&mut stream, b"QUIT\r\n", &mut self.input).await?;
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<Stream, Failed> {
        let mut stream = TcpStream::connect(self.load.address).await?;
        stream.set_nodelay(true)?;
        self.input.clear();
        greet(&mut stream, &mut self.input).await?;
        let mut stream = Either::Left(stream);
        match &self.tls {
            Some(tls) => return begin_tls(stream, tls, &mut self.input).await,
            None => ask(&mut stream, EHLO, &mut self.input).await?,
        };
        Ok(stream)
    }
}

/// Reads the greeting.
pub(crate) async fn greet(stream: &mut TcpStream, input: &mut Vec<u8>) -> Result<(), Failed> {
    match reply(stream, input).await? {
        220 => Ok(()),
        code => Err(format!("{code} is no greeting").into()),
    }
}

/// Sends EHLO, begins with TLS, and sends EHLO again.
pub(crate) async fn begin_tls(
    mut stream: Stream,
    tls: &Client,
    input: &mut Vec<u8>,
) -> Result<Stream, Failed> {
    ask(&mut stream, EHLO, input).await?;
    match ask(&mut stream, b"STARTTLS\r\n", input).await? {
        220 => (),
        code => return Err(format!("{code} to STARTTLS").into()),
    }
    stream = match stream {
        Either::Left(stream) => tls.begin(stream).await?,
        Either::Right(_) => return Err("there is TLS already".into()),
    };
    ask(&mut stream, EHLO, input).await?;
    Ok(stream)
}

const EHLO: &[u8] = b"EHLO load.example\r\n";

/// The code of the reply to a command.
async fn ask(stream: &mut Stream, command: &[u8], input: &mut Vec<u8>) -> Result<u16, Failed> {
    stream.write_all(command).await?;
    stream.flush().await?;
    reply(stream, input).await
}

/// The code of the next reply; what follows the reply stays in `input`.
async fn reply(stream: &mut (impl AsyncRead + Unpin), input: &mut Vec<u8>) -> Result<u16, Failed> {
    let mut used = 0;
    loop {
        while let Some(end) = memchr(b'\n', &input[used..]) {
            let line = &input[used..used + end];
            used += end + 1;
            if line.get(3) != Some(&b'-') {
                let code = std::str::from_utf8(line.get(..3).unwrap_or_default())?.parse()?;
                input.drain(..used);
                return Ok(code);
            }
        }
        if stream.read_buf(input).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
}
