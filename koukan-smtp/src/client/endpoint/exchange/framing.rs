//! How the message goes over the connection: after DATA, or in BDAT blocks.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::{
    client::{Wire, connection::Connection},
    codec::{Capabilities, DotStuffing},
};

use super::{Failure, content::Content, expected::Expected};

/// If so many octets wait to be written, no more of the message is pulled.
const OUTPUT_MAX: usize = 128 * 1024;
/// If a BDAT block has so many octets, no further chunk of the body is added to it.
const BLOCK_MAX: usize = 256 * 1024;
/// How many BDAT blocks may wait for their replies. They are enough that a slow reply does not
/// delay the message, and few enough that the replies, a line each, fit into any receive buffer.
const BLOCKS_OUTSTANDING_MAX: usize = 64;

/// The most octets in the output with which the end of the message is still written. If there are
/// more, the end waits: then a host that accepts nothing does not have the whole message, so the
/// transaction can still be dropped.
const TOGETHER_MAX: usize = 16 * 1024;

/// How the message is being sent.
#[derive(Debug)]
pub(super) enum Framing {
    Dots(Dots),
    Blocks,
}

/// The message after DATA.
#[derive(Debug, Default)]
pub(super) struct Dots {
    stuffing: DotStuffing,
    chunk: Bytes,
}

/// What follows the last recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// It is not decided yet.
    Wait,
    /// Nothing: nobody is there to receive the message.
    Never,
    Data,
    Blocks,
}

/// Decides how to start the message when there are no more recipients.
///
/// DATA is written only when a part of the message is there: a client that gives up afterwards
/// leaves the server in the middle of a message, which cannot be ended politely. Before it is known
/// that anybody will receive the message, a block is written only if it is the whole message.
pub(super) fn start(
    has_accepted: bool,
    is_undecided: bool,
    capabilities: &Capabilities,
    content: &Content,
) -> Start {
    match (has_accepted, is_undecided) {
        (false, false) => Start::Never,
        (true, _) if capabilities.chunking => Start::Blocks,
        (true, _) if content.is_begun() => Start::Data,
        (true, _) => Start::Wait,
        (false, true) if capabilities.chunking && content.is_whole() => Start::Blocks,
        (false, true) if !capabilities.chunking && content.is_begun() => Start::Data,
        (false, true) => Start::Wait,
    }
}

impl Framing {
    /// Moves a part of the message into the output, if there is room; ready with whether that was
    /// the end of the message.
    pub(super) fn poll_fill<Io: Wire>(
        &mut self,
        cx: &mut Context<'_>,
        content: &mut Content,
        expected: &mut VecDeque<Expected>,
        connection: &mut Connection<Io>,
    ) -> Poll<Result<bool, Failure>> {
        if connection.output().len() >= OUTPUT_MAX {
            return Poll::Pending;
        }
        let is_end = match self {
            Self::Dots(dots) => dots.poll_fill(cx, content, connection),
            Self::Blocks => poll_fill_block(cx, content, expected, connection),
        };
        if matches!(is_end, Poll::Ready(Ok(true))) {
            expected.push_back(Expected::Message);
        }
        is_end
    }
}

impl Dots {
    pub(super) fn end(&self) -> &'static [u8] {
        self.stuffing.end()
    }

    fn poll_fill<Io: Wire>(
        &mut self,
        cx: &mut Context<'_>,
        content: &mut Content,
        connection: &mut Connection<Io>,
    ) -> Poll<Result<bool, Failure>> {
        let output = connection.output();
        let length = output.len();
        while output.len() < OUTPUT_MAX {
            if let Some(piece) = self.stuffing.next_piece(&mut self.chunk) {
                output.push(piece);
                continue;
            }
            match content.poll_chunk(cx)? {
                Poll::Ready(Some(chunk)) => self.chunk = chunk,
                Poll::Ready(None) if output.len() > TOGETHER_MAX => break,
                Poll::Ready(None) if content.may_go() => {
                    output.tail().extend_from_slice(self.end());
                    return Poll::Ready(Ok(true));
                }
                Poll::Ready(None) => return Poll::Pending,
                Poll::Pending if output.len() == length => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(false))
    }
}

/// Makes a block of the part that is there.
fn poll_fill_block<Io: Wire>(
    cx: &mut Context<'_>,
    content: &mut Content,
    expected: &mut VecDeque<Expected>,
    connection: &mut Connection<Io>,
) -> Poll<Result<bool, Failure>> {
    let outstanding = expected.len();
    let is_pipelined = connection.capabilities().pipelining;
    let is_block = |expected: &&Expected| matches!(expected, Expected::Block);
    let blocks = expected.iter().filter(is_block).count();
    if (!is_pipelined && outstanding > 0) || blocks >= BLOCKS_OUTSTANDING_MAX {
        return Poll::Pending;
    }
    while content.poll_gather(cx, BLOCK_MAX)?.is_ready() {}
    if !content.is_begun() {
        return Poll::Pending;
    }
    let is_end = content.is_whole();
    if is_end && connection.is_lmtp() && outstanding > 0 {
        // Once everything is answered, the number of replies to the message is known.
        return Poll::Pending;
    }
    if is_end && (connection.output().len() > TOGETHER_MAX || !content.may_go()) {
        return Poll::Pending;
    }
    let converted = content.take_converted()?;
    let octets = match &converted {
        // The conversion needs more of the message first.
        Some(converted) if converted.is_empty() && !is_end => return Poll::Pending,
        Some(converted) => converted.len(),
        None => content.gathered_octets(),
    };
    connection.encoder().0.bdat(octets, is_end);
    if let Some(converted) = converted {
        connection.output().push(converted);
    }
    while let Some(chunk) = content.take_chunk()? {
        connection.output().push(chunk);
    }
    if !is_end {
        expected.push_back(Expected::Block);
    }
    Poll::Ready(Ok(is_end))
}

#[cfg(test)]
mod tests {
    use koukan_core::{body::Body, reply::Reply};
    use rstest::rstest;

    use super::*;

    fn content(text: &'static str, is_whole: bool) -> Content {
        let mut content = Content::new(Bytes::from_static(text.as_bytes()).into(), None);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let steps = if is_whole { 2 } else { 1 };
        for _ in 0..steps {
            let _ = content.poll_gather(&mut cx, usize::MAX);
        }
        content
    }

    #[rstest]
    #[case::refused(false, false, "x", Start::Never)]
    #[case::accepted(true, false, "x", Start::Data)]
    #[case::accepted_in_part(true, true, "x", Start::Data)]
    #[case::pipelined(false, true, "x", Start::Data)]
    #[case::chunking_refused(false, false, "x\nCHUNKING", Start::Never)]
    #[case::chunking_accepted(true, true, "x\nCHUNKING", Start::Blocks)]
    #[case::chunking_pipelined(false, true, "x\nCHUNKING", Start::Blocks)]
    fn with_a_whole_message(
        #[case] has_accepted: bool,
        #[case] is_undecided: bool,
        #[case] offered: &'static str,
        #[case] expected: Start,
    ) {
        let capabilities = Capabilities::parse(&Reply::ok().with_text(offered));
        let content = content("body", true);
        let start = start(has_accepted, is_undecided, &capabilities, &content);
        assert_eq!(start, expected);
    }

    #[test]
    fn data_waits_for_the_message() {
        let capabilities = Capabilities::default();
        let none = Content::new(Body::empty(), None);
        assert_eq!(start(true, false, &capabilities, &none), Start::Wait);
        let some = content("body", false);
        assert_eq!(start(true, false, &capabilities, &some), Start::Data);
    }

    #[rstest]
    #[case::data("x", "body", Start::Data)]
    #[case::no_data("x", "", Start::Wait)]
    #[case::blocks("x\nCHUNKING", "body", Start::Wait)]
    fn while_neither_recipients_nor_message_are_certain(
        #[case] offered: &'static str,
        #[case] text: &'static str,
        #[case] expected: Start,
    ) {
        let capabilities = Capabilities::parse(&Reply::ok().with_text(offered));
        let content = if text.is_empty() {
            Content::new(Body::empty(), None)
        } else {
            content(text, false)
        };
        assert_eq!(start(false, true, &capabilities, &content), expected);
    }
}
