//! An SMTP client that costs as little as it can: one write for each step, nothing made anew.

use memchr::memchr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Failed,
    message::{LINES, Shape, Template, recipient},
};

use super::Load;

/// Octets of a message that go out in one write with its header section.
const FIRST: usize = 64 << 10;

/// A client and its connection.
pub(super) struct Smtp {
    load: Load,
    stream: Option<TcpStream>,
    input: Vec<u8>,
    steps: Vec<Step>,
    /// The message, or the start of a long one.
    start: Template,
    /// Octets of whole lines after that.
    rest: usize,
}

/// What is written before something is waited for.
struct Step {
    commands: Template,
    replies: u64,
}

impl Smtp {
    pub(super) fn new(load: &Load) -> Self {
        let mut commands = vec!["MAIL FROM:<load@example.org>\r\n".to_owned()];
        for index in 0..load.recipients {
            commands.push(format!("RCPT TO:<{}>\r\n", recipient(index)));
        }
        commands.push("DATA\r\n".into());
        let step = |commands: &[String]| Step {
            commands: Template::new(commands.concat().as_bytes()),
            replies: commands.len() as u64,
        };
        let steps = match load.pipelining {
            true => vec![step(&commands)],
            false => commands.chunks(1).map(step).collect(),
        };
        let shape = Shape::new(load.size);
        let first = shape.body.min(FIRST / 72 * 72);
        let mut start = shape.head.into_bytes();
        start.extend_from_slice(&LINES[..first]);
        let rest = shape.body - first;
        if rest == 0 {
            start.extend_from_slice(b".\r\n");
        }
        Self {
            load: load.clone(),
            stream: None,
            input: Vec::with_capacity(4096),
            steps,
            start: Template::new(&start),
            rest,
        }
    }

    /// Sends a message; whether it was accepted.
    pub(super) async fn send(&mut self, number: u64) -> Result<bool, Failed> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let mut is_accepted = true;
        let mut code = 0;
        for step in &mut self.steps {
            stream.write_all(step.commands.fill(number)).await?;
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
        is_accepted &= reply(&mut stream, &mut self.input).await? < 400;
        self.stream = Some(stream);
        Ok(is_accepted)
    }

    /// Ends the connection if each message is to have its own.
    pub(super) async fn rest(&mut self) -> Result<(), Failed> {
        if self.load.new_connections
            && let Some(mut stream) = self.stream.take()
        {
            stream.write_all(b"QUIT\r\n").await?;
            reply(&mut stream, &mut self.input).await?;
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<TcpStream, Failed> {
        let mut stream = TcpStream::connect(self.load.address).await?;
        stream.set_nodelay(true)?;
        self.input.clear();
        reply(&mut stream, &mut self.input).await?;
        stream.write_all(b"EHLO load.example\r\n").await?;
        reply(&mut stream, &mut self.input).await?;
        Ok(stream)
    }
}

/// The code of the next reply; what came after it stays in `input`.
async fn reply(stream: &mut TcpStream, input: &mut Vec<u8>) -> Result<u16, Failed> {
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
