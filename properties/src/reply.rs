//! Replies: whatever a server sends, the parser gives the same replies in whatever pieces it arrives.

use bytes::BytesMut;
use koukan_core::reply::Reply;
use koukan_smtp::codec::{InvalidReply, ReplyParser};

fn parse<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Reply>, InvalidReply> {
    let mut parser = ReplyParser::default();
    let (mut input, mut replies) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(reply) = parser.parse(&mut input)? {
            replies.push(reply);
        }
    }
    Ok(replies)
}

pub(crate) fn holds(octets: &[u8]) {
    let Some((length, bytes)) = octets.split_first() else {
        return;
    };
    let in_pieces = parse(bytes.chunks(usize::from(*length).max(1)));
    assert_eq!(in_pieces, parse(std::iter::once(bytes)));
}
