//! Compares the codec with smtp-proto, another implementation, where that one is right.
//!
//! The fuzz targets use this file too, so it stands on its own.

use bytes::BytesMut;
use koukan_core::path::{ForwardPath, Mailbox, Parameters, ReversePath};
use koukan_smtp::codec::{BareLineEnds, BodyEvent, Command, CommandError, DataDecoder, LineFramer};
use smtp_proto::{Error, Request, request::receiver::DataReceiver};

/// What we take, the other takes, and understands it in the same way.
///
/// # Panics
///
/// Where the two differ.
pub(crate) fn compare_command(line: &[u8]) {
    let octets = [line, b"\r\n"].concat();
    let is_whole = |line| matches!(line, Some(Ok(_)));
    let framed = LineFramer::new(2048).next_line(&octets);
    // The other takes bare line ends and control characters, and skips spaces before the verb.
    if !is_whole(framed.line) || framed.consumed != octets.len() || line.starts_with(b" ") {
        return;
    }
    let theirs = Request::parse(&mut octets.iter());
    match Command::parse(line) {
        Ok(ours) => compare(&ours, theirs, line),
        // The other takes a tab for the space after the verb.
        Err(CommandError::UnknownVerb | CommandError::NoVerb | CommandError::OtherProtocol(_))
            if has_tab_in_verb(line) => {}
        // The other takes a request with the name of a verb for a command.
        Err(CommandError::OtherProtocol(_)) if has_three_words(line) => {}
        Err(CommandError::UnknownVerb | CommandError::NoVerb | CommandError::OtherProtocol(_)) => {
            assert!(
                matches!(
                    theirs,
                    Err(_)
                        | Ok(Request::Lhlo { .. }
                            | Request::Etrn { .. }
                            | Request::Atrn { .. }
                            | Request::Burl { .. })
                ),
                "{theirs:?}"
            );
        }
        // The other makes U+FFFD of it.
        Err(CommandError::NotUtf8) => {}
        // Whatever resembles BDAT is one that is malformed.
        Err(CommandError::Chunk { .. }) => {}
        Err(_) if is_xclient(line) => {}
        // Most of what only the other takes is listed in its own issues.
        Err(_) => assert_ne!(theirs, Err(Error::UnknownCommand)),
    }
}

fn compare(ours: &Command, theirs: Result<Request<std::borrow::Cow<'_, str>>, Error>, line: &[u8]) {
    let has_double_space = line.windows(2).any(|pair| pair == b"  ");
    match ours {
        Command::Mail(mail) => {
            if !is_plain(mail.reverse_path.mailbox()) || !is_known(&mail.parameters) {
                return;
            }
            let Ok(Request::Mail { from }) = theirs else {
                panic!("{ours:?}, but {theirs:?}");
            };
            assert_eq!(
                from.address.parse::<ReversePath>().as_ref(),
                Ok(&mail.reverse_path)
            );
            assert_eq!(from.size as u64, mail.parameters.size().unwrap_or(0));
        }
        Command::Rcpt(rcpt) => {
            if !is_plain(rcpt.forward_path.mailbox()) || !rcpt.parameters.is_empty() {
                return;
            }
            let Ok(Request::Rcpt { to }) = theirs else {
                panic!("{ours:?}, but {theirs:?}");
            };
            match &rcpt.forward_path {
                ForwardPath::Postmaster => assert_eq!(to.address, ""),
                ForwardPath::Mailbox(mailbox) => assert_eq!(to.address, mailbox.as_str()),
            }
        }
        Command::Bdat { size, is_last } if *size < 1 << 50 => {
            let expected = Request::Bdat {
                chunk_size: *size as usize,
                is_last: *is_last,
            };
            assert!(
                has_double_space || theirs.as_ref() == Ok(&expected),
                "{theirs:?}"
            );
        }
        // The other takes a tab for a space.
        Command::Hello(name)
            if !has_double_space && name.name.is_ascii() && !line.contains(&b'\t') =>
        {
            let host = match theirs {
                Ok(Request::Ehlo { host }) if name.is_extended => host,
                Ok(Request::Helo { host }) if !name.is_extended => host,
                other => panic!("{ours:?}, but {other:?}"),
            };
            assert_eq!(host, *name.name);
        }
        Command::Data => assert_eq!(theirs, Ok(Request::Data)),
        Command::Rset => assert_eq!(theirs, Ok(Request::Rset)),
        Command::Quit => assert_eq!(theirs, Ok(Request::Quit)),
        Command::StartTls => assert_eq!(theirs, Ok(Request::StartTls)),
        Command::Xclient(_) => assert!(is_xclient(line)),
        _ => assert_ne!(theirs, Err(Error::UnknownCommand)),
    }
}

fn has_three_words(line: &[u8]) -> bool {
    let words = line.split(u8::is_ascii_whitespace);
    words.filter(|word| !word.is_empty()).count() > 2
}

fn has_tab_in_verb(line: &[u8]) -> bool {
    let verb = line.split(|octet| *octet == b' ').next();
    verb.is_some_and(|verb| verb.contains(&b'\t'))
}

/// The other knows no XCLIENT.
fn is_xclient(line: &[u8]) -> bool {
    let verb = line.get(..b"XCLIENT".len());
    verb.is_some_and(|verb| verb.eq_ignore_ascii_case(b"XCLIENT"))
}

/// The other unquotes local parts, refuses literals, and takes UTF-8 for what it is not.
fn is_plain(mailbox: Option<&Mailbox>) -> bool {
    mailbox.is_none_or(|mailbox| mailbox.is_ascii() && !mailbox.as_str().contains(['"', '[']))
}

/// The other knows parameters by name, and refuses those it does not.
fn is_known(parameters: &Parameters) -> bool {
    parameters.iter().all(|parameter| {
        let value = parameter.value().unwrap_or_default();
        match &*parameter.keyword().to_ascii_uppercase() {
            "SIZE" => {
                (1..15).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_digit())
            }
            "BODY" => ["7BIT", "8BITMIME"].contains(&&*value.to_ascii_uppercase()),
            "SMTPUTF8" => parameter.value().is_none(),
            _ => false,
        }
    })
}

/// Both take the same message out of the same octets, and leave the same behind.
///
/// # Panics
///
/// Where the two differ.
pub(crate) fn compare_data(octets: &[u8], piece: usize) {
    // The other does not see an end, or a stuffed dot, at the very start, and takes CRLF `.` CR
    // CR LF for an end.
    if octets.starts_with(b".") || has_bare_cr(octets) {
        return;
    }
    let mut expected = Vec::new();
    let mut rest = octets.iter();
    let has_ended = DataReceiver::new().ingest(&mut rest, &mut expected);

    let mut decoder = DataDecoder::new(BareLineEnds::Keep, None);
    let (mut buffer, mut message, mut is_over) = (BytesMut::new(), Vec::new(), false);
    for piece in octets.chunks(piece.max(1)) {
        buffer.extend_from_slice(piece);
        while !is_over {
            match decoder.decode(&mut buffer) {
                Some(BodyEvent::Chunk(chunk)) => message.extend_from_slice(&chunk),
                Some(BodyEvent::Fault(fault)) => panic!("{fault} is kept"),
                Some(BodyEvent::End) => is_over = true,
                None => break,
            }
        }
    }
    assert_eq!(is_over, has_ended);
    if is_over {
        assert_eq!(message, expected);
        assert_eq!(&buffer[..], rest.as_slice());
    }
}

fn has_bare_cr(message: &[u8]) -> bool {
    let mut octets = message.iter().peekable();
    std::iter::from_fn(|| {
        octets
            .next()
            .map(|octet| (*octet, octets.peek().copied().copied()))
    })
    .any(|(octet, next)| octet == b'\r' && next != Some(b'\n'))
}
