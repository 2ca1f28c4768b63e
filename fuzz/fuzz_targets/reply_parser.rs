//! Whatever a server sends, in whatever pieces: the reply parser gives the same replies.
#![no_main]

use bytes::BytesMut;
use koukan_core::reply::Reply;
use koukan_smtp::codec::{InvalidReply, ReplyParser};
use libfuzzer_sys::fuzz_target;

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

fuzz_target!(|case: (u8, &[u8])| {
    let (length, bytes) = case;
    let in_pieces = parse(bytes.chunks(usize::from(length).max(1)));
    assert_eq!(in_pieces, parse(std::iter::once(bytes)));
});
