//! The server's side of an SMTP session, without I/O.

use std::sync::Arc;

use memchr::memmem::find;

use super::{
    content::{Content, HEAD},
    field::Field,
    ledger::{Ledger, Recipient},
};

const EHLO: &[u8] = b"250-sink\r\n250-8BITMIME\r\n";
const CHUNKING: &[u8] = b"250-CHUNKING\r\n";
const STARTTLS: &[u8] = b"250-STARTTLS\r\n";
const PIPELINING: &[u8] = b"250 PIPELINING\r\n";

/// A session; its input may arrive in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Session {
    phase: Phase,
    recipients: Vec<Option<Recipient>>,
    content: Content,
    is_without_chunking: bool,
    offers_tls: bool,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Commands,
    /// After STARTTLS, before the handshake.
    Handshake,
    /// After DATA, up to the dot. Once a message differs from what was sent, only its end is
    /// searched for; `is_line_start` says that a dot at this place may end the message.
    Data {
        is_searching: bool,
        is_line_start: bool,
    },
    /// This many octets after BDAT.
    Chunk {
        left: usize,
        is_last: bool,
    },
    Over,
}

impl Session {
    /// A session in which each message must have that header field, if any.
    pub(super) fn new(is_chunking: bool, field: Option<Arc<Field>>) -> Self {
        Self {
            is_without_chunking: !is_chunking,
            content: field.map(Content::with_field).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The same session, in which the client may begin with TLS.
    pub(super) fn offering_tls(self) -> Self {
        Self {
            offers_tls: true,
            ..self
        }
    }

    /// Whether TLS begins now; commands are read again afterwards.
    pub(super) fn begins_tls(&mut self) -> bool {
        let begins = matches!(self.phase, Phase::Handshake);
        if begins {
            self.phase = Phase::Commands;
            self.offers_tls = false;
        }
        begins
    }

    /// Takes what it can of `input` and returns how much; adds replies to `replies`.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        replies: &mut Vec<u8>,
        ledger: &mut Ledger,
    ) -> usize {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let taken = match self.phase {
                Phase::Commands => self.command(rest, replies),
                Phase::Data { .. } => self.data(rest, replies, ledger),
                Phase::Chunk { .. } => self.chunk(rest, replies, ledger),
                Phase::Handshake | Phase::Over => None,
            };
            match taken {
                Some(taken) => used += taken,
                None => return used,
            }
        }
    }

    /// Whether no command is read now: the client has said QUIT, or begins with TLS.
    pub(super) fn pauses(&self) -> bool {
        matches!(self.phase, Phase::Handshake | Phase::Over)
    }

    /// The reply to EHLO.
    fn extensions(&self, replies: &mut Vec<u8>) {
        let lines = [
            (EHLO, true),
            (CHUNKING, !self.is_without_chunking),
            (STARTTLS, self.offers_tls),
            (PIPELINING, true),
        ];
        for (line, is_told) in lines {
            if is_told {
                replies.extend_from_slice(line);
            }
        }
    }

    fn command(&mut self, input: &[u8], replies: &mut Vec<u8>) -> Option<usize> {
        let end = find(input, b"\r\n")?;
        let line = &input[..end];
        let reply: &[u8] = match line.get(..4) {
            Some(b"EHLO") => {
                self.extensions(replies);
                b""
            }
            Some(b"STAR") if self.offers_tls => {
                self.phase = Phase::Handshake;
                b"220 go on\r\n"
            }
            Some(b"RCPT") => {
                self.recipients.push(recipient(line));
                b"250 ok\r\n"
            }
            Some(b"DATA") => {
                self.phase = Phase::Data {
                    is_searching: false,
                    is_line_start: true,
                };
                b"354 go on\r\n"
            }
            Some(b"BDAT") => {
                let mut words = std::str::from_utf8(line).ok()?.split(' ').skip(1);
                let size = words.next().and_then(|size| size.parse().ok());
                self.phase = Phase::Chunk {
                    left: size.unwrap_or_default(),
                    is_last: words.next().is_some(),
                };
                b""
            }
            Some(b"RSET") => {
                self.reset();
                b"250 ok\r\n"
            }
            Some(b"QUIT") => {
                self.phase = Phase::Over;
                b"221 bye\r\n"
            }
            _ => b"250 ok\r\n",
        };
        replies.extend_from_slice(reply);
        Some(end + 2)
    }

    fn data(&mut self, input: &[u8], replies: &mut Vec<u8>, ledger: &mut Ledger) -> Option<usize> {
        let Phase::Data {
            is_searching,
            is_line_start,
        } = &mut self.phase
        else {
            return None;
        };
        if input.is_empty() {
            return None;
        }
        if !*is_searching {
            let Some(left) = self.content.left() else {
                // The empty line that is found may belong to the next message, if this one has none.
                let end = find(input, b"\r\n\r\n").map(|end| end + 4);
                let head = &input[..end.unwrap_or(input.len())];
                let is_too_long = end.is_none() && input.len() > HEAD;
                if is_too_long || find(head, b"\r\n.\r\n").is_some() {
                    self.content.damage();
                    *is_searching = true;
                    return Some(0);
                }
                let end = end?;
                self.content.take(&input[..end]);
                *is_searching = self.content.left().is_none();
                return Some(end);
            };
            let now = &input[..left.min(input.len())];
            let same = self.content.matching(now);
            self.content.advance(same);
            if same > 0 {
                return Some(same);
            }
            if left > 0 || !b".\r\n".starts_with(&input[..input.len().min(3)]) {
                *is_line_start = self.content.is_at_line_start();
                self.content.damage();
                *is_searching = true;
                return Some(0);
            }
        }
        if *is_line_start && input.starts_with(b".\r\n") {
            self.finish(replies, ledger);
            return Some(3);
        }
        if *is_line_start && input.len() < 3 {
            return None;
        }
        *is_line_start = false;
        match find(input, b"\r\n.\r\n") {
            Some(end) => {
                self.finish(replies, ledger);
                Some(end + 5)
            }
            None => Some(input.len().saturating_sub(4)).filter(|taken| *taken > 0),
        }
    }

    fn chunk(&mut self, input: &[u8], replies: &mut Vec<u8>, ledger: &mut Ledger) -> Option<usize> {
        let Phase::Chunk { left, is_last } = &mut self.phase else {
            return None;
        };
        let now = (*left).min(input.len());
        self.content.take(&input[..now]);
        *left -= now;
        if *left > 0 {
            return Some(now).filter(|now| *now > 0);
        }
        if *is_last {
            self.finish(replies, ledger);
        } else {
            self.phase = Phase::Commands;
            replies.extend_from_slice(b"250 ok\r\n");
        }
        Some(now)
    }

    fn finish(&mut self, replies: &mut Vec<u8>, ledger: &mut Ledger) {
        let (id, is_whole) = self.content.verdict();
        ledger.note(id, is_whole, &self.recipients);
        self.reset();
        replies.extend_from_slice(b"250 ok\r\n");
    }

    fn reset(&mut self) {
        self.phase = Phase::Commands;
        self.recipients.clear();
        self.content.clear();
    }
}

/// The message that goes to this recipient.
fn recipient(line: &[u8]) -> Option<Recipient> {
    let line = std::str::from_utf8(line).ok()?;
    let (_, address) = line.split_once(":<m")?;
    let (number, rest) = address.split_once('-')?;
    let (index, _) = rest.split_once('@')?;
    Some((number.parse().ok()?, index.parse().ok()?))
}
