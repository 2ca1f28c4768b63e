//! However a network cuts up what a client sends, it means the same.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use bytes::{Bytes, BytesMut};
use koukan_smtp::codec::{
    BareLineEnds, BdatDecoder, BodyEvent, CommandDecoder, ContentFault, DataDecoder,
};
use proptest::prelude::*;

/// Octets that matter to framing, mixed with others.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just("\r\n"),
        3 => Just("."),
        2 => Just("NOOP"),
        1 => Just("\r"),
        1 => Just("\n"),
        1 => Just("\0"),
        1 => Just("MAIL FROM:<a@b>"),
        1 => Just("0123456789012345678901234567890123456789"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..12, 1..20)
}

/// Feeds `octets` piece by piece, and calls `take` until it needs more.
fn feed(octets: &[u8], cuts: &[usize], mut take: impl FnMut(&mut BytesMut) -> bool) -> BytesMut {
    let mut buffer = BytesMut::new();
    let (mut rest, mut cuts) = (octets, cuts.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
        buffer.extend_from_slice(piece);
        rest = after;
        while take(&mut buffer) {}
    }
    buffer
}

fn commands(octets: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut decoder = CommandDecoder::new(32);
    let mut commands = Vec::new();
    feed(octets, cuts, |buffer| {
        let command = decoder.decode(buffer);
        commands.extend(command.iter().map(|command| format!("{command:?}")));
        command.is_some()
    });
    commands
}

/// The message, its fault, and the octets after its end (`None`: it did not end).
type Message = (Vec<u8>, Option<ContentFault>, Option<Vec<u8>>);

fn message(
    octets: &[u8],
    cuts: &[usize],
    mut decode: impl FnMut(&mut BytesMut) -> Option<BodyEvent>,
) -> Message {
    let (mut message, mut fault, mut is_over) = (Vec::new(), None, false);
    let rest = feed(octets, cuts, |buffer| {
        if is_over {
            return false;
        }
        match decode(buffer) {
            Some(BodyEvent::Chunk(chunk)) => message.extend_from_slice(&chunk),
            Some(BodyEvent::Fault(found)) => fault = Some(found),
            Some(BodyEvent::End) => is_over = true,
            None => return false,
        }
        true
    });
    (message, fault, is_over.then(|| rest.to_vec()))
}

fn data(octets: &[u8], cuts: &[usize], policy: BareLineEnds) -> Message {
    let mut decoder = DataDecoder::new(policy, None);
    message(octets, cuts, |buffer| decoder.decode(buffer))
}

fn bdat(octets: &[u8], cuts: &[usize], size: u64) -> Message {
    let mut decoder = BdatDecoder::new(BareLineEnds::Reject);
    decoder.start_chunk(size, true);
    message(octets, cuts, |buffer| decoder.decode(buffer))
}

/// DATA as the RFC says it, the slow way: everything up to CRLF `.` CRLF, a dot off each line.
fn reference(octets: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let framed = [b"\r\n", octets].concat();
    let end = framed
        .windows(5)
        .position(|window| window == b"\r\n.\r\n")?;
    let mut message = Vec::new();
    for at in 0..end + 2 {
        let is_stuffed = framed[at] == b'.' && at >= 2 && &framed[at - 2..at] == b"\r\n";
        if !is_stuffed {
            message.push(framed[at]);
        }
    }
    Some((message[2..].to_vec(), framed[end + 5..].to_vec()))
}

fn stuff(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::new();
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

fn has_bare_line_end(octets: &[u8]) -> bool {
    let crlf = octets.windows(2).filter(|pair| pair == b"\r\n").count();
    let count = |wanted| octets.iter().filter(|octet| **octet == wanted).count();
    count(b'\r') != crlf || count(b'\n') != crlf
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commands_are_the_same_however_cut(octets in octets(), cuts in cuts()) {
        prop_assert_eq!(commands(&octets, &cuts), commands(&octets, &[octets.len().max(1)]));
    }

    #[test]
    fn data_is_the_same_however_cut(octets in octets(), cuts in cuts()) {
        for policy in [BareLineEnds::Reject, BareLineEnds::Keep] {
            let whole = data(&octets, &[octets.len().max(1)], policy);
            prop_assert_eq!(data(&octets, &cuts, policy), whole);
        }
    }

    #[test]
    fn data_is_what_the_rfc_says(octets in octets(), cuts in cuts()) {
        let (message, fault, rest) = data(&octets, &cuts, BareLineEnds::Keep);
        prop_assert_eq!(fault, None);
        if let Some((expected, after)) = reference(&octets) {
            prop_assert_eq!((message, rest), (expected.clone(), Some(after)));
            let (clean, fault, rest) = data(&octets, &cuts, BareLineEnds::Reject);
            prop_assert!(rest.is_some());
            prop_assert_eq!(fault.is_some(), has_bare_line_end(&expected));
            prop_assert!(expected.starts_with(&clean) && !has_bare_line_end(&clean));
        } else {
            prop_assert_eq!(rest, None);
        }
    }

    #[test]
    fn stuffing_comes_undone(lines in prop::collection::vec("[.a]{0,4}", 0..20), cuts in cuts()) {
        let sent: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let (message, fault, rest) = data(&stuff(sent.as_bytes()), &cuts, BareLineEnds::Reject);
        prop_assert_eq!((message, fault, rest), (sent.into_bytes(), None, Some(Vec::new())));
    }

    #[test]
    fn chunks_are_the_same_however_cut(octets in octets(), cuts in cuts(), size in 0_usize..200) {
        let whole = bdat(&octets, &[octets.len().max(1)], size as u64);
        let (message, fault, rest) = bdat(&octets, &cuts, size as u64);
        prop_assert_eq!((&message, &fault, &rest), (&whole.0, &whole.1, &whole.2));
        if let Some((chunk, after)) = octets.split_at_checked(size).filter(|_| !octets.is_empty()) {
            prop_assert_eq!(fault.is_some(), has_bare_line_end(chunk));
            prop_assert_eq!(rest.as_deref(), Some(after));
        }
    }
}

/// One buffer in, one chunk out: what comes in one packet goes upstream in one piece.
#[test]
fn a_small_message_is_one_chunk() {
    let mut buffer = BytesMut::from("..a\r\nb\r\n..c\r\n.\r\nQUIT\r\n");
    let mut decoder = DataDecoder::new(BareLineEnds::Reject, None);
    let chunk = Bytes::from_static(b".a\r\nb\r\n.c\r\n");
    assert_eq!(decoder.decode(&mut buffer), Some(BodyEvent::Chunk(chunk)));
    assert_eq!(decoder.decode(&mut buffer), Some(BodyEvent::End));
}
