//! Takes commands from a buffer.

use bytes::{Buf, Bytes, BytesMut};

use super::{Command, CommandError, Framed, LineError, LineFramer};

/// Takes commands off the front of what a client sent.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use koukan_smtp::codec::{Command, CommandDecoder, CommandError};
///
/// let mut buffer = BytesMut::from("NOOP\r\nPING\r\nQUI");
/// let mut decoder = CommandDecoder::new(2048);
/// assert_eq!(decoder.decode(&mut buffer), Some(Ok(Command::Noop)));
/// assert_eq!(decoder.decode(&mut buffer), Some(Err(CommandError::UnknownVerb)));
/// assert_eq!(decoder.decode(&mut buffer), None);
/// ```
#[derive(Debug, Clone)]
pub struct CommandDecoder {
    framer: LineFramer,
}

impl CommandDecoder {
    /// Makes a decoder for lines of up to `line_max` octets, the CRLF included.
    pub fn new(line_max: usize) -> Self {
        Self {
            framer: LineFramer::new(line_max),
        }
    }

    /// Takes the next line unparsed, of up to `line_max` octets with its CRLF. This is for lines that are not
    /// commands, such as those of an authentication exchange. `None` when more octets are needed.
    ///
    /// # Errors
    ///
    /// [`LineError`]; the next call, of either method, goes on with the next line.
    pub fn line(
        &mut self,
        buffer: &mut BytesMut,
        line_max: usize,
    ) -> Option<Result<Bytes, LineError>> {
        let Framed { consumed, line } = self.framer.next_line_within(buffer, line_max);
        let line = line.map(|line| line.map(Bytes::copy_from_slice).map_err(|line| line.error));
        buffer.advance(consumed);
        line
    }

    /// Takes the next command; `None` when more octets are needed.
    ///
    /// # Errors
    ///
    /// [`CommandError`] for a line that is not a command; the next call goes on with the next line.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Option<Result<Command, CommandError>> {
        let Framed { consumed, line } = self.framer.next_line(buffer);
        let command = line.map(|line| line.map_err(CommandError::of).and_then(Command::parse));
        buffer.advance(consumed);
        command
    }
}
