//! Messages in chunks. However they are cut, and wherever a chunk ends, the same octets are taken,
//! and no more. Nothing goes upstream that a bare line end could split in two.

use bytes::BytesMut;
use koukan_smtp::codec::{BareLineEnds, BdatDecoder, BodyEvent};

/// The octets behind the message; no decoder may touch them.
const NEXT: &[u8] = b"QUIT\r\n";

pub(crate) fn holds(octets: &[u8]) {
    let [step, chunk, octets @ ..] = octets else {
        return;
    };
    let (step, chunk) = (usize::from(*step).max(1), usize::from(*chunk).max(1));
    for policy in [
        BareLineEnds::Reject,
        BareLineEnds::Normalise,
        BareLineEnds::Keep,
    ] {
        let whole = receive(policy, octets, octets.len().max(1), octets.len().max(1));
        let (message, is_faulty) = &whole;
        if policy == BareLineEnds::Keep {
            assert_eq!((&message[..], *is_faulty), (octets, false));
        } else if !is_faulty {
            let crlf = message.windows(2).filter(|pair| *pair == b"\r\n").count();
            let count = |wanted| message.iter().filter(|octet| **octet == wanted).count();
            assert_eq!((count(b'\r'), count(b'\n')), (crlf, crlf), "{policy:?}");
        }
        let in_pieces = receive(policy, octets, chunk, step);
        assert_eq!(in_pieces.1, *is_faulty, "{policy:?}");
        // Of a message that is refused, nobody sees the beginning.
        assert!(*is_faulty || in_pieces.0 == *message, "{policy:?}");
    }
}

/// The message, in chunks of that size and pieces of that length, and whether it is refused.
fn receive(policy: BareLineEnds, octets: &[u8], chunk: usize, step: usize) -> (Vec<u8>, bool) {
    let mut decoder = BdatDecoder::new(policy);
    let (mut buffer, mut message, mut is_faulty) = (BytesMut::new(), Vec::new(), false);
    let all = [octets, NEXT].concat();
    let mut pieces = all.chunks(step);
    let chunks: Vec<_> = octets.chunks(chunk).map(<[u8]>::len).collect();
    let sizes = chunks.iter().copied().chain([0]);
    for (nth, size) in sizes.enumerate() {
        decoder.start_chunk(size as u64, nth == chunks.len());
        loop {
            match decoder.decode(&mut buffer) {
                Some(BodyEvent::Chunk(octets)) => message.extend_from_slice(&octets),
                Some(BodyEvent::Fault(_)) => {
                    assert!(!is_faulty, "a fault is told once");
                    is_faulty = true;
                }
                Some(BodyEvent::End) => break,
                None => {
                    let Some(piece) = pieces.next() else {
                        panic!("it wants more than there is");
                    };
                    buffer.extend_from_slice(piece);
                }
            }
        }
    }
    pieces.for_each(|piece| buffer.extend_from_slice(piece));
    assert_eq!(&buffer[..], NEXT);
    (message, is_faulty)
}
