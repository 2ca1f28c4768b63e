//! An HTTP client that shares no code with the agent; it opens a connection for each request.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// How long an answer may take at most.
const LIMIT: Duration = Duration::from_secs(60);

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    head: String,
    content: Vec<u8>,
    /// How many octets of the content are sent before the connection is closed.
    broken_off: Option<usize>,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    content: usize,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            head: format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n"),
            content: Vec::new(),
            broken_off: None,
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        let content = value.to_string();
        self.header("Content-Type", "application/json")
            .content(content.as_bytes())
    }

    pub(crate) fn content(mut self, content: &[u8]) -> Self {
        self.content = content.to_vec();
        self
    }

    /// Sends only that many octets of the content, and then closes the connection.
    pub(crate) fn broken_off_after(mut self, octets: usize) -> Self {
        self.broken_off = Some(octets);
        self
    }

    /// Sends it; an incomplete answer is an error.
    pub(crate) fn send(&self, server: SocketAddr) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let len = self.content.len();
        let head = format!(
            "{}Host: {server}\r\nContent-Length: {len}\r\n\r\n",
            self.head
        );
        stream.write_all(head.as_bytes())?;
        let sent = self.broken_off.unwrap_or(len).min(len);
        stream.write_all(&self.content[..sent])?;
        if sent < len {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        Answer::read(String::from_utf8_lossy(&text).into_owned())
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Answer {
    fn read(text: String) -> Option<Self> {
        let (head, content) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let at = text.len() - content.len();
        let answer = Self {
            status,
            content: at,
            text,
        };
        let expected = answer.header("content-length").map(str::parse);
        let is_whole = expected.is_none_or(|len| len == Ok(answer.content().len()));
        is_whole.then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text[..self.content].split("\r\n").skip(1);
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The part after the header section.
    pub(crate) fn content(&self) -> &str {
        &self.text[self.content..]
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.content()).unwrap()
    }

    /// The path of the location.
    pub(crate) fn location(&self) -> Option<&str> {
        let location = self.header("location")?;
        Some(&location[location.find("/transactions/")?..])
    }
}
