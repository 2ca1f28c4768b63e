//! What hosts do not take is encoded, and says the same.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use koukan_core::message::downgrade::{Downgrade, Signatures, Transport, Unconvertible};
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use proptest::{collection::vec, prelude::*, sample::Index};
use rstest::rstest;

/// What becomes of a message that comes in chunks of so many octets.
fn converted(downgrade: &Downgrade, message: &[u8], step: usize) -> Result<Vec<u8>, Unconvertible> {
    let (mut downgrade, mut converted) = (downgrade.clone(), Vec::new());
    for chunk in message.chunks(step) {
        converted.extend_from_slice(&downgrade.chunk(chunk)?);
    }
    converted.extend_from_slice(&downgrade.end()?);
    Ok(converted)
}

fn to(transport: Transport) -> Downgrade {
    Downgrade::new(transport)
}

const MIME: &str = "MIME-Version: 1.0\r\n";

fn text(encoding: &str, content: &str) -> String {
    format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{content}"
    )
}

fn multipart(subtype: &str, encoding: &str, parts: &[String]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--=b\r\n{part}\r\n"))
        .collect();
    format!(
        "Content-Type: multipart/{subtype}; boundary=\"=b\"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n\
         before\r\n{parts}--=b--\r\nafter\r\n"
    )
}

#[rstest]
#[case::ascii(format!("{MIME}{}", text("8bit", "hi\r\n")), format!("{MIME}{}", text("8bit", "hi\r\n")))]
#[case::text(
    format!("{MIME}{}", text("8bit", "grün \r\n\r\n=\r\n")),
    format!("{MIME}{}", text("quoted-printable", "gr=C3=BCn=20\r\n\r\n=3D\r\n"))
)]
#[case::declared_less(
    format!("{MIME}{}", text("7bit", "grün")),
    format!("{MIME}{}", text("quoted-printable", "gr=C3=BCn"))
)]
#[case::nothing_declared(
    "Subject: hi\r\n\r\ngrün\r\n".into(),
    "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=unknown-8bit\r\n\
     MIME-Version: 1.0\r\nSubject: hi\r\n\r\ngr=C3=BCn\r\n".into()
)]
#[case::no_text(
    format!("{MIME}Content-Type: image/x\r\nContent-Transfer-Encoding: 8BIT (x)\r\n\r\nü\r\n"),
    format!("{MIME}Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nw7wNCg==\r\n")
)]
#[case::binary_text(
    format!("{MIME}{}", text("binary", "a\nü")),
    format!("{MIME}{}", text("base64", "YQrDvA==\r\n"))
)]
#[case::of_parts(
    format!("{MIME}{}", multipart("mixed", "8bit", &[text("8bit", "ü"), text("7bit", "u"), text("base64", "w7w=")])),
    format!(
        "{MIME}{}",
        multipart("mixed", "7bit", &[text("quoted-printable", "=C3=BC"), text("7bit", "u"), text("base64", "w7w=")])
    )
)]
#[case::base64_ends_before_the_delimiter(
    format!("{MIME}{}", multipart("mixed", "binary", &[text("binary", "ü\r\n"), text("binary", "")])),
    format!("{MIME}{}", multipart("mixed", "7bit", &[text("base64", "w7wNCg=="), text("base64", "")]))
        .replace("base64\r\n\r\n\r\n--", "base64\r\n\r\n--")
)]
#[case::attached(
    format!(
        "{MIME}{}",
        multipart("digest", "8bit", &[format!("\r\nSubject: x\r\n{MIME}{}", text("8bit", "ü"))])
    ),
    format!(
        "{MIME}{}",
        multipart("digest", "7bit", &[format!("\r\nSubject: x\r\n{MIME}{}", text("quoted-printable", "=C3=BC"))])
    )
)]
#[case::a_part_without_a_header(
    format!("{MIME}{}", multipart("mixed", "8bit", &["\r\nü".into()])),
    format!(
        "{MIME}{}",
        multipart("mixed", "7bit", &["Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC".into()])
    )
)]
fn what_a_host_without_8bitmime_does_not_take_is_encoded(
    #[case] message: String,
    #[case] expected: String,
) {
    let downgrade = to(Transport::SevenBit);
    let found = converted(&downgrade, message.as_bytes(), 1000).unwrap();
    assert_eq!(String::from_utf8(found).unwrap(), expected);
}

#[rstest]
#[case::eight_bit_stays(format!("{MIME}{}", text("8bit", "ü\r\n")), None)]
#[case::binary(
    format!("{MIME}{}", multipart("mixed", "binary", &[text("binary", "a\rü"), text("8bit", "ü")])),
    Some(format!("{MIME}{}", multipart("mixed", "8bit", &[text("base64", "YQ3DvA=="), text("8bit", "ü")])))
)]
#[case::no_lines(
    format!("{MIME}{}", text("8bit", "a\nü")),
    Some(format!("{MIME}{}", text("quoted-printable", "a=0A=C3=BC")))
)]
#[case::a_long_line(
    format!("{MIME}Content-Type: a/b\r\n\r\n{}", "x".repeat(999)),
    Some(format!(
        "Content-Transfer-Encoding: base64\r\n{MIME}Content-Type: a/b\r\n\r\n{}eHh4\r\n",
        (["eHh4"; 19].concat() + "\r\n").repeat(17) + &["eHh4"; 9].concat()
    ))
)]
fn what_a_host_without_binarymime_does_not_take_is_encoded(
    #[case] message: String,
    #[case] expected: Option<String>,
) {
    let downgrade = to(Transport::EightBit).of_binary();
    let found = converted(&downgrade, message.as_bytes(), 1000).unwrap();
    let found = String::from_utf8(found).unwrap();
    assert_eq!(found, expected.unwrap_or(message));
}

#[rstest]
#[case::header("Subject: grün\r\n\r\nhi\r\n".into())]
#[case::header_of_a_part(format!("{MIME}{}", multipart("mixed", "8bit", &["X: ü\r\n\r\nhi".into()])))]
#[case::encoded(format!("{MIME}{}", text("base64", "ü")))]
#[case::unknown_encoding(format!("{MIME}{}", text("x-uuencode", "ü")))]
#[case::between_parts(format!("{MIME}{}", multipart("mixed", "8bit", &[]).replace("before", "ü")))]
#[case::a_piece_of_a_message(format!("{MIME}Content-Type: message/partial\r\n\r\nü"))]
#[case::late_and_not_declared(format!("{MIME}{}", text("7bit", &("x\r\n".repeat(20_000) + "ü"))))]
#[case::a_large_header(format!("X: {}\r\n\r\nü", "x".repeat(70_000)))]
fn what_cannot_be_encoded_fails(#[case] message: String) {
    for transport in [Transport::SevenBit, Transport::EightBit] {
        let downgrade = to(transport).with_signatures(Signatures::Break);
        let found = converted(&downgrade, message.as_bytes(), 1000);
        let is_fine = transport == Transport::EightBit && !message.starts_with("X: ");
        assert_eq!(found.is_ok(), is_fine, "{transport:?}");
    }
}

#[test]
fn what_is_long_and_declares_octets_above_127_is_encoded_before_they_come() {
    let content = "x\r\n".repeat(20_000) + "ü\r\n";
    let message = format!("{MIME}{}", text("8bit", &content));
    let found = converted(&to(Transport::SevenBit), message.as_bytes(), 1000).unwrap();
    assert!(found.is_ascii());
    assert_eq!(contents(&message.into_bytes()), contents(&found));
}

#[rstest]
#[case::message(format!("DKIM-Signature: v=1\r\n{MIME}"))]
#[case::on_the_way(format!("ARC-Seal: i=1\r\n{MIME}"))]
fn what_is_signed_is_encoded_where_that_is_asked_for(#[case] header: String) {
    let seven_bit = to(Transport::SevenBit);
    let signed = |content: &str| header.clone() + &text("8bit", content);
    let keeps = |message: String| converted(&seven_bit, message.as_bytes(), 100);
    let ascii = signed("hi\r\n");
    assert_eq!(keeps(ascii.clone()), Ok(ascii.into_bytes()));
    assert_eq!(keeps(signed("ü\r\n")), Err(Unconvertible));
    let breaking = seven_bit.clone().with_signatures(Signatures::Break);
    let found = converted(&breaking, signed("ü\r\n").as_bytes(), 100).unwrap();
    assert_eq!(
        found,
        (header.clone() + &text("quoted-printable", "=C3=BC\r\n")).as_bytes()
    );
}

#[test]
fn a_part_that_is_signed_stays_and_others_beside_it_are_encoded() {
    let signed =
        |content| multipart("signed", "7bit", &[text("8bit", content)]).replace("=b", "=s");
    let message = |content, others| {
        format!(
            "{MIME}{}",
            multipart("mixed", "7bit", &[signed(content), others])
        )
    };
    let before = message("hi", text("8bit", "ü"));
    let seven_bit = to(Transport::SevenBit);
    let found = converted(&seven_bit, before.as_bytes(), 100).unwrap();
    let expected = message("hi", text("quoted-printable", "=C3=BC"));
    assert_eq!(String::from_utf8(found).unwrap(), expected);
    let broken = message("ü", text("7bit", "u"));
    assert_eq!(
        converted(&seven_bit, broken.as_bytes(), 100),
        Err(Unconvertible)
    );
    let breaking = seven_bit.with_signatures(Signatures::Break);
    assert!(
        converted(&breaking, broken.as_bytes(), 100)
            .unwrap()
            .is_ascii()
    );
}

/// The types and contents of all that is no multipart, in their order.
fn contents(message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut contents = Vec::new();
    collect(&MessageParser::new().parse(message).unwrap(), &mut contents);
    contents
}

fn collect(message: &Message<'_>, contents: &mut Vec<(String, Vec<u8>)>) {
    for part in &message.parts {
        let content_type = part.content_type();
        let content_type = content_type.map(|kind| (kind.ctype(), kind.subtype()));
        match &part.body {
            PartType::Multipart(_) => {}
            PartType::Message(inner) => collect(inner, contents),
            _ => contents.push((format!("{content_type:?}"), part.contents().to_vec())),
        }
    }
}

/// A part, with its header section; boundaries have the number of those around it.
fn part(depth: u32) -> BoxedStrategy<String> {
    let line = "[ -~\u{e4}\u{20ac}\u{1f600}]{0,100}";
    let text = (vec(line, 1..5), prop::bool::ANY).prop_map(|(lines, is_html)| {
        let kind = if is_html { "html" } else { "plain" };
        // No line is a delimiter by chance.
        let lines = lines.join("\r\n").replace("--", "- ");
        format!("Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{lines}")
    });
    let other = "[\\x00-~\u{e4}\u{20ac}]{0,300}".prop_map(|content| {
        let content = content.replace("--", "- ").replace(['\r', '\n'], "\u{e4}");
        format!(
            "Content-Type: application/x-odd\r\nContent-Transfer-Encoding: binary\r\n\r\n{content}"
        )
    });
    let encoded = Just(
        "Content-Type: application/x-odd\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw=="
            .to_owned(),
    );
    if depth == 0 {
        return prop_oneof![text, other, encoded].boxed();
    }
    let parts = vec(part(depth - 1), 1..4).prop_map(move |parts| {
        let all: String = parts.iter().map(|part| format!("--=_{depth}_\r\n{part}\r\n")).collect();
        format!(
            "Content-Type: multipart/mixed; boundary=\"=_{depth}_\"\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             {all}--=_{depth}_--"
        )
    });
    // mail-parser gives up at some multiparts in attached messages.
    let attached = part(0).prop_map(|part| {
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             Subject: attached\r\nMIME-Version: 1.0\r\n{part}"
        )
    });
    prop_oneof![text, other, parts, attached].boxed()
}

proptest! {
    #[test]
    fn encoded_messages_say_the_same(
        part in part(3),
        cuts in vec(any::<Index>(), 0..20),
        is_binary in any::<bool>(),
        is_eight_bit in any::<bool>(),
    ) {
        let message = format!("Subject: hi\r\nMIME-Version: 1.0\r\n{part}\r\n").into_bytes();
        let downgrade = match (is_binary, is_eight_bit) {
            (true, true) => to(Transport::EightBit).of_binary(),
            (true, false) => to(Transport::SevenBit).of_binary(),
            (false, _) => to(Transport::SevenBit),
        };
        let whole = converted(&downgrade, &message, message.len()).unwrap();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(message.len())).collect();
        cuts.sort_unstable();
        let (mut cut, mut start, mut by_pieces) = (downgrade.clone(), 0, Vec::new());
        for end in cuts.into_iter().chain([message.len()]) {
            by_pieces.extend_from_slice(&cut.chunk(&message[start..end]).unwrap());
            start = end;
        }
        by_pieces.extend_from_slice(&cut.end().unwrap());
        prop_assert_eq!(&by_pieces, &whole);
        prop_assert!(is_binary && is_eight_bit || whole.is_ascii());
        for line in String::from_utf8(whole.clone()).unwrap().split("\r\n") {
            prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']));
        }
        prop_assert_eq!(contents(&message), contents(&whole));
        // Nothing is left to do.
        prop_assert_eq!(converted(&downgrade, &whole, 1000).unwrap(), whole);
    }
}
