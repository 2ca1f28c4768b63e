//! The wire, without I/O.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use koukan_core::{
    path::{ForwardPath, Parameters, ReversePath},
    reply::Reply,
};
use koukan_smtp::codec::{
    BareLineEnds, BodyEvent, Capabilities, CommandDecoder, CommandEncoder, DataDecoder,
    DotStuffing, Foreknowledge, MailParameters, ReplyParser, encode_reply,
};

use crate::content::message;

const COMMANDS: &[u8] =
    b"MAIL FROM:<alice@example.org> SIZE=5000 BODY=8BITMIME\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n";
const REPLIES: &[u8] = b"250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n354 go on\r\n";
const MEGABYTE: usize = 1_000_000;

/// The three commands before a message.
pub(crate) fn decode_commands(times: usize) {
    let mut decoder = CommandDecoder::new(2048);
    for _ in 0..times {
        let mut input = BytesMut::from(COMMANDS);
        while let Some(command) = decoder.decode(&mut input) {
            black_box(command.expect("a known command"));
        }
    }
}

/// The replies to these commands.
pub(crate) fn parse_replies(times: usize) {
    let mut parser = ReplyParser::default();
    for _ in 0..times {
        let mut input = BytesMut::from(REPLIES);
        while let Some(reply) = parser.parse(&mut input).expect("well-formed replies") {
            black_box(reply);
        }
    }
}

/// MAIL, RCPT and DATA, and the replies to MAIL, RCPT and the message.
pub(crate) fn encode(times: usize) {
    let from: ReversePath = "alice@example.org".parse().expect("a mailbox");
    let to: ForwardPath = "bob@example.com".parse().expect("a mailbox");
    let parameters = Parameters::default();
    let capabilities = Capabilities::parse(&Reply::ok().with_text("mx.example.com\nSIZE"));
    let replies = [
        Reply::sender_ok(),
        Reply::recipient_ok(),
        Reply::message_accepted(),
    ];
    let (mut commands, mut octets) = (BytesMut::with_capacity(256), Vec::with_capacity(256));
    for _ in 0..times {
        commands.clear();
        let mut encoder = CommandEncoder::new(&mut commands);
        let message = Foreknowledge::of_length(5_000);
        let chosen = MailParameters::choose(&from, &parameters, &capabilities, message);
        encoder.mail(&from, &chosen.expect("nothing is asked for"));
        encoder.rcpt(&to, &parameters, &capabilities, false);
        encoder.data();
        octets.clear();
        for reply in black_box(&replies) {
            encode_reply(reply, true, &mut octets);
        }
        black_box((&commands, &octets));
    }
}

/// A megabyte, one line in fifty of which begins with a dot.
pub(crate) fn stuff_dots(times: usize) {
    let message = Bytes::from(with_dots());
    for _ in 0..times {
        let mut stuffing = DotStuffing::default();
        let mut octets = message.clone();
        while let Some(piece) = stuffing.next_piece(&mut octets) {
            black_box(piece);
        }
    }
}

fn with_dots() -> String {
    let mut message = message(MEGABYTE).into_bytes();
    for line in message
        .split_mut(|octet| *octet == b'\n')
        .step_by(50)
        .skip(1)
    {
        line[0] = b'.';
    }
    String::from_utf8(message).expect("it is ASCII")
}

/// The same, to its end, in pieces of 64 KiB as they come from a socket.
pub(crate) fn unstuff_dots(times: usize) {
    let wire = with_dots().replace("\n.", "\n..") + ".\r\n";
    for _ in 0..times {
        let mut decoder = DataDecoder::new(BareLineEnds::default(), None);
        let mut input = BytesMut::new();
        let mut is_over = false;
        for piece in wire.as_bytes().chunks(64 << 10) {
            input.extend_from_slice(piece);
            while let Some(event) = decoder.decode(&mut input) {
                is_over = matches!(event, BodyEvent::End);
                if is_over {
                    break;
                }
                black_box(event);
            }
        }
        assert!(is_over);
    }
}
