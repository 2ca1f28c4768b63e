//! Messages: however they are cut, the result is what another receiver sees, and nothing goes
//! upstream that a bare line end could split in two.

use bytes::BytesMut;
use koukan_smtp::codec::{BareLineEnds, BodyEvent, DataDecoder};

use crate::oracle;

pub(crate) fn holds(octets: &[u8]) {
    let Some((piece, octets)) = octets.split_first() else {
        return;
    };
    oracle::compare_data(octets, usize::from(*piece));

    let mut decoder = DataDecoder::new(BareLineEnds::Reject, None);
    let (mut buffer, mut message) = (BytesMut::from(octets), Vec::new());
    while let Some(event) = decoder.decode(&mut buffer) {
        match event {
            BodyEvent::Chunk(chunk) => message.extend_from_slice(&chunk),
            BodyEvent::Fault(_) => {}
            BodyEvent::End => break,
        }
    }
    let crlf = message.windows(2).filter(|pair| pair == b"\r\n").count();
    let count = |wanted| message.iter().filter(|octet| **octet == wanted).count();
    assert_eq!((count(b'\r'), count(b'\n')), (crlf, crlf));
}
