//! A minimal HTTP client for requests to an agent.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::Failed;

/// A small request.
pub(crate) struct Request {
    head: String,
    content: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            head: format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n"),
            content: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn wait(self, seconds: u32) -> Self {
        self.header("request-timeout", &seconds.to_string())
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

    pub(crate) fn send(self, server: SocketAddr) -> Result<Answer, Failed> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let Self { head, content } = self;
        let len = content.len();
        write!(
            stream,
            "{head}Host: {server}\r\nContent-Length: {len}\r\n\r\n"
        )?;
        stream.write_all(&content)?;
        Answer::read(stream)
    }
}

impl Answer {
    pub(crate) fn read(stream: TcpStream) -> Result<Self, Failed> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).ok_or("no answer")?.parse()?;
        let mut headers = Vec::new();
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut body = Vec::new();
        stream.read_to_end(&mut body)?;
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// The path of the `Location`.
    pub(crate) fn location(&self) -> Option<String> {
        let location = self.header("location")?;
        let path = location.find("/transactions/")?;
        Some(location[path..].to_owned())
    }

    pub(crate) fn json(&self) -> Result<Value, Failed> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
