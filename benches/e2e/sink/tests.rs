//! Sessions, in pieces of every size.

use std::sync::Arc;

use serde_json::json;

use crate::message::{LINE, Shape, Template, recipient};

use super::{Ledger, field::Field, session::Session};

fn message(number: u64) -> Vec<u8> {
    let shape = Shape::new(300);
    let mut message = Template::new(shape.head.as_bytes()).fill(number).to_vec();
    message.extend_from_slice(&LINE.repeat(shape.body / LINE.len()));
    message
}

fn envelope(number: u64) -> Vec<u8> {
    let text = format!(
        "MAIL FROM:<load@example.org>\r\nRCPT TO:<{}>\r\n",
        recipient(0)
    );
    Template::new(text.as_bytes()).fill(number).to_vec()
}

fn data(number: u64, message: &[u8]) -> Vec<u8> {
    [&envelope(number), &b"DATA\r\n"[..], message, b".\r\n"].concat()
}

fn chunks(number: u64, message: &[u8], first: usize) -> Vec<u8> {
    let (first, last) = message.split_at(first);
    let commands = [
        format!("BDAT {}\r\n", first.len()),
        format!("BDAT {} LAST\r\n", last.len()),
    ];
    let [one, two] = commands.each_ref().map(String::as_bytes);
    [&envelope(number), one, first, two, last].concat()
}

/// The output of a session for input that arrives in two pieces, the first of `split` octets.
fn play(input: &[u8], split: usize, messages: u64) -> (String, serde_json::Value) {
    let mut session = Session::default();
    let mut ledger = Ledger::new(messages, 1);
    let mut replies = Vec::new();
    let mut kept = Vec::new();
    for piece in [&input[..split], &input[split..]] {
        kept.extend_from_slice(piece);
        let used = session.take(&kept, &mut replies, &mut ledger);
        kept.drain(..used);
    }
    assert_eq!(kept, b"", "split at {split}");
    (String::from_utf8(replies).unwrap(), ledger.report())
}

#[test]
fn sessions_split_at_every_octet_are_understood() {
    let input = [
        data(0, &message(0)),
        chunks(1, &message(1), 40),
        chunks(2, &message(2), 0),
        data(3, &message(3)),
    ]
    .concat();
    let two = "250 ok\r\n".repeat(2);
    let expected =
        format!("{two}354 go on\r\n250 ok\r\n{two}{two}{two}{two}{two}354 go on\r\n250 ok\r\n");
    for split in 0..=input.len() {
        let (replies, report) = play(&input, split, 4);
        assert_eq!(replies, expected, "split at {split}");
        let none = json!({"count": 0, "ids": []});
        let all =
            json!({"arrived": 4, "lost": none, "duplicate": none, "damaged": none, "foreign": 0});
        assert_eq!(report, all, "split at {split}");
    }
}

#[test]
fn damage_is_seen_and_the_next_message_is_found() {
    let whole = message(0);
    let mut changed = whole.clone();
    changed[150] ^= 1;
    let longer = [&whole, &b"more\r\n"[..]].concat();
    let shorter = &whole[..whole.len() - LINE.len()];
    let headless = b"Subject: x\r\n";
    for damaged in [&changed, &longer, shorter] {
        for message_of_0 in [data(0, damaged), chunks(0, damaged, 5)] {
            let input = [message_of_0, data(1, &message(1))].concat();
            for split in 0..=input.len() {
                let (_, report) = play(&input, split, 2);
                assert_eq!(report["arrived"], 2, "split at {split}");
                assert_eq!(report["damaged"], json!({"count": 1, "ids": [0]}));
            }
        }
    }
    let input = [data(0, headless), data(1, &message(1))].concat();
    for split in 0..=input.len() {
        let (_, report) = play(&input, split, 2);
        assert_eq!(
            (&report["arrived"], &report["foreign"]),
            (&json!(1), &json!(1))
        );
    }
}

#[test]
fn a_message_without_the_field_that_it_must_have_is_damaged() {
    let signed = |value: &[u8]| [value, &message(0)].concat();
    for (message, damaged) in [
        (signed(b"DKIM-Signature: v=1\r\n"), 0),
        (signed(b"Received: x\r\nDKIM-Signature: v=1\r\n"), 0),
        (signed(b"X-DKIM-Signature: v=1\r\n"), 1),
        (signed(b""), 1),
    ] {
        let mut session = Session::new(true, Some(Arc::new(Field::new("DKIM-Signature"))));
        let mut ledger = Ledger::new(2, 1);
        // The same applies to each message of a session.
        let input = data(0, &message);
        session.take(&input, &mut Vec::new(), &mut ledger);
        assert_eq!(ledger.report()["damaged"]["count"], damaged);
        let input = data(1, &self::message(1));
        session.take(&input, &mut Vec::new(), &mut ledger);
        assert_eq!(ledger.report()["damaged"]["count"], damaged + 1);
    }
}

#[test]
fn tls_is_offered_until_it_is_begun() {
    let mut ledger = Ledger::new(0, 1);
    let mut take = |session: &mut Session, input: &[u8]| {
        let mut replies = Vec::new();
        let used = session.take(input, &mut replies, &mut ledger);
        (used, String::from_utf8(replies).unwrap())
    };
    let clear = "250-sink\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 PIPELINING\r\n";
    let mut session = Session::new(true, None).offering_tls();
    assert_eq!(take(&mut session, b"EHLO a\r\n"), (8, clear.into()));
    assert!(!session.begins_tls() && !session.pauses());
    // A command that follows STARTTLS in clear is dropped.
    let both = b"STARTTLS\r\nQUIT\r\n";
    assert_eq!(take(&mut session, both), (10, "220 go on\r\n".into()));
    assert!(session.pauses() && session.begins_tls());
    assert!(!session.pauses());
    let (_, told) = take(&mut session, b"EHLO a\r\n");
    assert_eq!(told, clear.replace("250-STARTTLS\r\n", ""));
}
