//! Messages that arrive in pieces of every size.

use proptest::prelude::*;

use super::*;
use BareLineEnds::{Keep, Normalise, Reject};

/// The message, its fault, and what remains after its end (`None` if it did not end).
type Outcome = (Vec<u8>, Option<ContentFault>, Option<Vec<u8>>);

fn receive(decoder: &mut DataDecoder, octets: &[u8], step: usize) -> Outcome {
    let (mut buffer, mut message, mut fault) = (BytesMut::new(), Vec::new(), None);
    let mut pieces = octets.chunks(step);
    loop {
        match decoder.decode(&mut buffer) {
            Some(BodyEvent::Chunk(chunk)) => {
                assert_eq!(fault, None, "a chunk after the fault");
                message.extend_from_slice(&chunk);
            }
            Some(BodyEvent::Fault(found)) => assert_eq!(fault.replace(found), None),
            Some(BodyEvent::End) => {
                let mut rest = buffer.to_vec();
                pieces.for_each(|piece| rest.extend_from_slice(piece));
                return (message, fault, Some(rest));
            }
            None => match pieces.next() {
                Some(piece) => {
                    assert!(buffer.len() <= 2, "{buffer:?}");
                    buffer.extend_from_slice(piece);
                }
                None => return (message, fault, None),
            },
        }
    }
}

fn check(policy: BareLineEnds, octets: &[u8], expected: (&[u8], bool, Option<&[u8]>)) {
    for step in 1..=octets.len() {
        let (message, fault, rest) = receive(&mut DataDecoder::new(policy, None), octets, step);
        let found = (&message[..], fault.is_some(), rest.as_deref());
        assert_eq!(found, expected, "{octets:?} in steps of {step}");
    }
}

#[test]
fn takes_messages_and_removes_dots() {
    for (octets, message, rest) in [
        (&b".\r\n"[..], &b""[..], &b""[..]),
        (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b"..a\r\n...b\r\nc..\r\n.\r\n", b".a\r\n..b\r\nc..\r\n", b""),
        (b".a\r\n.\r\n", b"a\r\n", b""),
        (b"a.\r\n.\r\n.\r\n", b"a.\r\n", b".\r\n"),
        (b"a\r\n\0.\r\n.\r\n", b"a\r\n\0.\r\n", b""),
    ] {
        check(Reject, octets, (message, false, Some(rest)));
        check(Keep, octets, (message, false, Some(rest)));
    }
}

#[test]
fn bare_line_ends_never_end_a_message() {
    for octets in [
        &b"a\n.\n"[..],
        b"a\n.\r\n",
        b"a\r.\r\n",
        b"a\r.\r",
        b"a\r\n.\n",
        b"a\r\n.\rb",
        b"a\n\n.\r\n",
        b"a\r\n.\r\r",
    ] {
        for step in 1..=octets.len() {
            let (_, fault, rest) = receive(&mut DataDecoder::new(Reject, None), octets, step);
            assert_eq!(
                (fault, rest),
                (Some(ContentFault::BareLineEnd), None),
                "{octets:?}"
            );
        }
    }
}

#[test]
fn a_message_with_bare_line_ends_is_received_to_its_real_end() {
    check(Reject, b"a\n.\nb\r\n.\r\nQUIT", (b"a", true, Some(b"QUIT")));
    check(Reject, b"a\r.\r\nb\r\n.\r\n", (b"a", true, Some(b"")));
    check(
        Reject,
        b"a\r\n.\rb\r\n..\r\n.\r\n",
        (b"a\r\n", true, Some(b"")),
    );
    check(Reject, b"a\r\r\n.\r\n", (b"a", true, Some(b"")));
    check(Reject, b"\n.\r\n\r\n.\r\n", (b"", true, Some(b"")));
    check(
        Keep,
        b"a\n.\nb\r\n.\r\n",
        (b"a\n.\nb\r\n", false, Some(b"")),
    );
    check(
        Keep,
        b"a\r\n.\rb\n.\r\n\r\n.\r\n",
        (b"a\r\n\rb\n.\r\n\r\n", false, Some(b"")),
    );
}

#[test]
fn a_bare_lf_becomes_crlf_and_ends_nothing() {
    for (octets, message, rest) in [
        (&b"a\nb\r\n.\r\nQUIT"[..], &b"a\r\nb\r\n"[..], &b"QUIT"[..]),
        (b"\n\n\r\n.\r\n", b"\r\n\r\n\r\n", b""),
        (b"a\n\r\n.\r\n", b"a\r\n\r\n", b""),
        // None of these is the end of the message.
        (b"a\n.\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n", b""),
        (b"a\n.\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n", b""),
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n", b""),
        (b"a\n.\r\n.\r\nQUIT", b"a\r\n.\r\n", b"QUIT"),
        (b".\n.\n\r\n.\r\n", b".\r\n.\r\n\r\n", b""),
        // A stuffed dot is removed; a dot that cannot have been stuffed stays.
        (b"a\n..\n..b\n.c\r\n.\r\n", b"a\r\n.\r\n.b\r\n.c\r\n", b""),
        (
            b"a\r\n..\n.b\r\n..c\r\n.\r\n",
            b"a\r\n.\r\n.b\r\n.c\r\n",
            b"",
        ),
        (b"a\r\nb\nc\r\n.d\r\n.\r\n", b"a\r\nb\r\nc\r\nd\r\n", b""),
    ] {
        check(Normalise, octets, (message, false, Some(rest)));
    }
}

#[test]
fn a_bare_cr_is_refused_and_ends_nothing() {
    for (octets, message) in [
        (&b"a\rb\r\n.\r\nX"[..], &b"a"[..]),
        (b"a\r.\r\nb\r\n.\r\nX", b"a"),
        (b"a\r.\rb\r\n.\r\nX", b"a"),
        (b"a\n.\rb\n.\r\n\r\n.\r\nX", b"a\r\n."),
        (b"a\r\r\n.\r\nX", b"a"),
        (b"a\nb\r\r\n.\r\nX", b"a\r\nb"),
        (b"a\nb\rc\n.\n.\r\n.\r\nX", b"a\r\nb"),
    ] {
        check(Normalise, octets, (message, true, Some(b"X")));
    }
}

#[test]
fn lines_that_are_made_good_have_the_same_limit() {
    for step in 1..20 {
        let limited = || DataDecoder::new(Normalise, Some(6));
        let (message, fault, _) = receive(&mut limited(), b"1234\n..23\n\r\n.\r\n", step);
        assert_eq!((&message[..], fault), (&b"1234\r\n.23\r\n\r\n"[..], None));
        let (_, fault, rest) = receive(&mut limited(), b"a\n12345\nb\n.\n\r\n.\r\nX", step);
        assert_eq!(fault, Some(ContentFault::LineTooLong));
        assert_eq!(rest.as_deref(), Some(&b"X"[..]));
    }
}

proptest! {
    /// The next server cannot take anything in the output for the end of the message.
    #[test]
    fn what_goes_on_has_crlf_only(input in "([a.\r\n]|\r\n|\n){0,24}", step in 1_usize..30) {
        let octets = [input.as_bytes(), b"\r\n.\r\n"].concat();
        let mut decoder = DataDecoder::new(Normalise, None);
        let (message, fault, rest) = receive(&mut decoder, &octets, step);
        prop_assert!(rest.is_some());
        let crlf = message.windows(2).filter(|pair| pair == b"\r\n").count();
        let count = |wanted| message.iter().filter(|octet| **octet == wanted).count();
        prop_assert_eq!((count(b'\r'), count(b'\n')), (crlf, crlf));
        let whole = receive(&mut DataDecoder::new(Normalise, None), &octets, octets.len());
        prop_assert_eq!((message, fault, rest), whole);
    }

    /// With a line limit, lines are scanned one by one.
    #[test]
    fn many_lines_at_once_are_as_one_by_one(
        input in "([a.\r\n]|\r\n|\r\n\\.){0,24}(\r\n\\.\r\n)?X?",
        step in 1_usize..80,
        is_kept in any::<bool>(),
    ) {
        let policy = if is_kept { Keep } else { Reject };
        let one_by_one = receive(
            &mut DataDecoder::new(policy, Some(usize::MAX)), input.as_bytes(), step);
        let at_once = receive(&mut DataDecoder::new(policy, None), input.as_bytes(), step);
        prop_assert_eq!(at_once, one_by_one);
    }
}

#[test]
fn a_line_may_be_as_long_as_the_limit() {
    for step in 1..20 {
        let limited = || DataDecoder::new(Reject, Some(6));
        let (message, fault, _) = receive(&mut limited(), b"1234\r\n.123\r\n.\r\n", step);
        assert_eq!((&message[..], fault), (&b"1234\r\n123\r\n"[..], None));
        let (_, fault, rest) = receive(&mut limited(), b"12345\r\na\n.\r\n\r\n.\r\nX", step);
        assert_eq!(fault, Some(ContentFault::LineTooLong));
        assert_eq!(rest.as_deref(), Some(&b"X"[..]));
    }
}

#[test]
fn a_message_without_dots_is_not_copied() {
    let mut buffer = BytesMut::from("hello\r\nworld\r\n.\r\n");
    let origin = buffer.as_ptr();
    match DataDecoder::new(Reject, None).decode(&mut buffer) {
        Some(BodyEvent::Chunk(chunk)) => assert_eq!(chunk.as_ptr(), origin),
        other => panic!("{other:?}"),
    }
}
