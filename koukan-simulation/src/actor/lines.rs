//! A connection that actors read line by line.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Octets that are read at once.
const READ: usize = 8 << 10;

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Lines {
    io: DuplexStream,
    input: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(io: DuplexStream) -> Self {
        Self {
            io,
            input: Vec::new(),
        }
    }

    /// The next line without its line end; `None` where the other side has closed.
    pub(crate) async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(line) = self.waiting() {
                return Ok(Some(line));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The next line, if it has been read already.
    pub(crate) fn waiting(&mut self) -> Option<String> {
        let end = self.input.iter().position(|octet| *octet == b'\n')?;
        let line = String::from_utf8_lossy(&self.input[..end])
            .trim_end()
            .to_owned();
        self.input.drain(..=end);
        Some(line)
    }

    /// Reads `count` octets; `None` where the other side closes before.
    pub(crate) async fn octets(&mut self, count: usize) -> io::Result<Option<Vec<u8>>> {
        while self.input.len() < count {
            if !self.fill().await? {
                return Ok(None);
            }
        }
        Ok(Some(self.input.drain(..count).collect()))
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.io.write_all(octets).await
    }

    /// Closes this side for writing.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.io.shutdown().await
    }

    async fn fill(&mut self) -> io::Result<bool> {
        self.input.reserve(READ);
        Ok(self.io.read_buf(&mut self.input).await? > 0)
    }
}
