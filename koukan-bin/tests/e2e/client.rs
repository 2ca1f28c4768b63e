//! An SMTP client that uses nothing of the code under test.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A connection on which EHLO was sent.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Sends EHLO on a connection.
    pub(crate) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut client = Self {
            stream: BufReader::new(stream),
        };
        client.reply()?;
        client.command("EHLO client.example")?;
        Ok(client)
    }

    /// Sends one message; returns the reply to each RCPT, and the one to the end of the message if it was
    /// sent.
    pub(crate) fn send(&mut self, from: &str, to: &[&str], message: &str) -> io::Result<Sent> {
        self.send_octets(from, to, message.as_bytes())
    }

    /// As [`Client::send`], with any octets.
    pub(crate) fn send_octets(
        &mut self,
        from: &str,
        to: &[&str],
        message: &[u8],
    ) -> io::Result<Sent> {
        self.command(&format!("MAIL FROM:<{from}>"))?;
        let mut sent = Sent {
            rcpts: Vec::new(),
            message: None,
        };
        for to in to {
            sent.rcpts.push(self.command(&format!("RCPT TO:<{to}>"))?);
        }
        if !sent.rcpts.iter().any(|reply| reply.starts_with('2')) {
            self.command("RSET")?;
            return Ok(sent);
        }
        let data = self.command("DATA")?;
        sent.message = Some(self.content(data, message)?);
        Ok(sent)
    }

    /// As [`Client::send`], with MAIL, each RCPT and DATA in one write.
    pub(crate) fn send_pipelined(
        &mut self,
        from: &str,
        to: &[&str],
        message: &str,
    ) -> io::Result<Sent> {
        let rcpts = to.iter().map(|to| format!("RCPT TO:<{to}>\r\n"));
        let rcpts: String = rcpts.collect();
        let commands = format!("MAIL FROM:<{from}>\r\n{rcpts}DATA\r\n");
        self.stream.get_mut().write_all(commands.as_bytes())?;
        self.reply()?;
        let rcpts = to.iter().map(|_| self.reply());
        let rcpts = rcpts.collect::<io::Result<_>>()?;
        let data = self.reply()?;
        let message = Some(self.content(data, message.as_bytes())?);
        Ok(Sent { rcpts, message })
    }

    /// Sends the message if the reply to DATA asks for it; returns the final reply.
    fn content(&mut self, data: String, message: &[u8]) -> io::Result<String> {
        if !data.starts_with('3') {
            self.command("RSET")?;
            return Ok(data);
        }
        let mut stuffed = Vec::with_capacity(message.len() + 16);
        for octet in message {
            if *octet == b'.' && (stuffed.is_empty() || stuffed.ends_with(b"\r\n")) {
                stuffed.push(b'.');
            }
            stuffed.push(*octet);
        }
        self.stream.get_mut().write_all(&stuffed)?;
        self.command(".")
    }

    /// Sends a message as one block with BDAT; returns the final reply.
    pub(crate) fn block(&mut self, message: &[u8]) -> io::Result<String> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("BDAT {} LAST\r\n", message.len()).as_bytes())?;
        stream.write_all(message)?;
        self.reply()
    }

    pub(crate) fn command(&mut self, line: &str) -> io::Result<String> {
        self.stream
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_owned());
            }
        }
    }
}

/// The replies to one message.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) rcpts: Vec<String>,
    pub(crate) message: Option<String>,
}

impl Sent {
    pub(crate) fn is_accepted(&self) -> bool {
        let message = self.message.as_deref();
        message.is_some_and(|reply| reply.starts_with('2'))
    }
}
