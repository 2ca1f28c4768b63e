//! Messages that consist of many pieces of one kind. Each must be read in a moment; it would take
//! minutes if each piece required a look at all the others.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use bytes::Bytes;
use koukan_core::message::{
    builder::Spec,
    parser::{ParseLimits, parse},
};
use rstest::rstest;

use self::message::flat;

/// Octets of a field; one with a structure may have some more.
const FIELD: usize = 40 << 10;
/// Octets of a body, which is searched faster.
const BODY: usize = 128 << 10;

fn read(message: impl Into<Bytes>) {
    let parsed = parse(message.into(), &ParseLimits::default());
    Spec::from_json(&flat(&parsed)).unwrap();
}

/// Pieces that make up that many octets.
fn many(piece: &str, octets: usize) -> String {
    piece.repeat(octets / piece.len())
}

/// A beginning, and then a row of one kind of pieces and a row of another.
fn rows(beginning: &str, first: &str, second: &str) -> String {
    [
        beginning,
        &many(first, FIELD / 2),
        &many(second, FIELD / 2 - beginning.len()),
    ]
    .concat()
}

#[rstest]
#[case::addresses("To", &[
    "a@b,", "a@b ", "<a@b>", "<a@b>,", "A <a@b>,", "a@b (c),", "a,", "A B,", "<a@b>, PhD, MBA, ", "\"\",",
    "(", ")", "()", "(\\", "\"", "\\\"", "\"(", "<", ">", "a>", "<@,", "<a@", "<a@b(", "[", "a@[", "a@[ ", "[a@b]", "[a@b] ",
    ";", ":", "g:", "g:a@b;", ",", "@", " @", ".", " .", ". @ ", "(a)@ ", "'@", "\\", "&lt;", "&lt;a@b&gt;", "mailto:",
    "=?", "=?a?q?", "=?a?q? ", " =?a?q?x", "=?utf-8?q?a?=", "=?utf-8?b?aGk?= ", "=?utf-8?q?=C3?= ",
])]
#[case::ids("References", &[
    "<a@b>", "<a@b> ", "a@b ", "<", ">", "<a b>", "<a (b) c@d>", "<a (", "(", ")", "\"", "\\", "(<a@b>", ",", "=?a?q?x",
])]
#[case::dates("Date", &[
    "(", ")", "()", ":", " : ", "at ", "mon ", "1-", "1:", "-", "+0100 ", ",", "\"", "0", "t", ".", "10:42 CET ",
])]
#[case::parameters("Content-Type", &[
    "a/b;", "a/b; c=d;", "; charset=x", " charset=x", " charset =", " charset  ", " a", "=", " =", ",", ":", "(", ")", "()", "\"", "\\\"",
    "<", ">", "=?a?q?", "=?utf-8?q?a/b=3B?= ", "Content-Type:", "; a*0*=x", "; a*=utf-8''%", "; boundary='x", "; boundary=\"(\"",
    "; name=a (", "a/", "/ ",
])]
#[case::encodings("Content-Transfer-Encoding", &["(", "()", ";", "base64 ", "=?a?q?x", "\"", "base6"])]
#[case::text("Subject", &[
    "=?", "=?a?q?", "=?a?q?x", "=?utf-8?b?aGk?= ", "=?utf-8?b?aGk?=", "=?utf-8?q?=C3?= ", "=?utf-16?b?/v8?= ", "=?utf-7?q?+?= ",
    "=?utf-8?q?a?= x ", "=?utf-8?q?\u{fc}?= ", " ", "\t", "\r\n ", "\0",
])]
fn fields_of_many_pieces_are_read(#[case] name: &str, #[case] pieces: &[&str]) {
    for piece in pieces {
        read(format!("{name}: {}\r\n\r\n", many(piece, FIELD)));
    }
}

#[rstest]
#[case::no_address("To", "@", "a", ">")]
#[case::many_names("To", "", "A B,", "a@b,")]
#[case::late_ends("To", "", "(", ")")]
#[case::quotes("To", "", "\"(", ")\"")]
#[case::late_angle("To", "", "A ", "<a@b>")]
#[case::blanks("To", "[a@b]", " ", "[a@b] ")]
#[case::late_comments("References", "<a ", "(", ")")]
#[case::boundary("Content-Type", "a/b; boundary=", "'", "; boundary='x'")]
#[case::late_zone("Date", "6 Mar 2024 10:42:31 +0000 ", "cet ", "(")]
fn fields_of_two_kinds_of_pieces_are_read(
    #[case] name: &str,
    #[case] beginning: &str,
    #[case] first: &str,
    #[case] second: &str,
) {
    read(format!(
        "{name}: {}\r\n\r\n",
        rows(beginning, first, second)
    ));
}

#[rstest]
#[case::parts("multipart/mixed; boundary=b", &[
    "--b", "x--b", "--b--", "--b\r\n", "--b\r\n\r\n", "--b--\r\n", "--bx\r\n", "--b x\r\n", "\r\n--", "\r\n", "-",
    "--b\r\n\r\nx\r\n", "--b\r\nA: b\r\n\r\nx\r\n", "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx\r\n",
    "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\nA: b\r\n",
])]
#[case::messages("message/rfc822", &[
    "Content-Type: message/rfc822\r\n\r\n",
    "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    "Content-Type: text/rfc822-headers\r\n\r\n",
    "A: b\r\n", "A: b\r\n c\r\n", " a\r\n", "From x\r\n", ":\r\n", "a",
])]
#[case::delivery_status("message/delivery-status", &[
    "Final-Recipient: rfc822; a@x\r\n", "Final-Recipient: rfc822; a@x\r\n\r\n", "Original-Recipient: rfc822; a@x\r\n",
    "Final-Recipient: rfc822; a@x\r\nOriginal-Recipient: rfc822; b@x\r\n", "Action: failed\r\n", "Action: failed\r\n\r\n",
    "\r\n", "x\r\n", " x\r\n", "From x\r\n", "Status: 5.5.5\r\n", "Reporting-MTA: dns; x\r\n\r\n",
])]
#[case::base64("a/b\r\nContent-Transfer-Encoding: base64", &[
    "a", "=", "aGk=", "aGk= ", "aGk=!", "aGk=\0", "aGk=\r\n", "aGk=\0\r\n", "aGlo\r\n", "aGlo ", "aGlo=", "aGk=aGlo=aG=", "aG!k\r\n",
    "a\r\n", "!\r\n", "\r\n", " ", "-", "-_aG", "words and words\r\n", "words ", "aGlo aGlo aGlo aGl\r\n", "\u{fc}\r\n",
    "aGhoaGhoaGhoaGhoaGho\r\nwords and words\r\n", "Regards\r\n",
])]
#[case::quoted_printable("a/b\r\nContent-Transfer-Encoding: quoted-printable", &[
    "=", "=\r\n", "= \r\n", " ", " \r\n", "=4", "=C3", "\r",
])]
#[case::uuencode("a/b\r\nContent-Transfer-Encoding: x-uuencode", &[
    "begin 644 a\r\n", "begin ", "begin 644 a\r\nM\r\n", "begin 644 a\r\nend\r\n", "\r\n",
])]
fn bodies_of_many_pieces_are_read(#[case] content_type: &str, #[case] pieces: &[&str]) {
    for piece in pieces {
        let body = many(piece, BODY);
        read(format!("Content-Type: {content_type}\r\n\r\n{body}"));
    }
}

#[rstest]
#[case("utf-7", &["+", "+-", "+AKM", "-", "+AKM-"])]
#[case("iso-2022-jp", &["\x1b", "\x1b$B", "\x1b$B$", "\x1b(B", "\x0e"])]
#[case("hz", &["~", "~{", "~}", "~{VP", "~\n"])]
#[case("johab", &["\u{fc}", "\\"])]
#[case("utf-16", &["\0", "a\0", "\u{feff}"])]
#[case("utf-32", &["\0", "a"])]
#[case("cp437", &["\u{fc}"])]
#[case("gb18030", &["\u{fc}", "\u{fc}0"])]
fn texts_of_many_pieces_are_read(#[case] charset: &str, #[case] pieces: &[&str]) {
    for piece in pieces {
        let body = many(piece, BODY);
        read(format!(
            "Content-Type: text/plain; charset={charset}\r\n\r\n{body}"
        ));
    }
}

/// An escape that never ends, in each field of a delivery status that may have escapes.
#[rstest]
#[case(r"\x{")]
#[case(r"\x{41")]
#[case("(")]
#[case("\"")]
#[case(";")]
#[case("5.5.")]
#[case("=?a?q?x")]
fn values_of_a_delivery_status_are_read(#[case] piece: &str) {
    for name in [
        "Final-Recipient: utf-8; ",
        "Diagnostic-Code: smtp; ",
        "Status: ",
        "Remote-MTA: dns; ",
    ] {
        let value = many(piece, FIELD);
        read(format!(
            "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@x\r\n\r\n{name}{value}\r\n"
        ));
    }
}

/// Boundaries of which none is right, before a large body.
#[test]
fn a_boundary_is_not_looked_for_everywhere() {
    let boundaries: String = (0..200).map(|n| format!("; boundary='{n}, x'")).collect();
    for encoding in ["7bit", "base64", "quoted-printable"] {
        let body = many("--1--2--3 aGlo\r\n", 4 * BODY);
        read(format!(
            "Content-Type: multipart/mixed{boundaries}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        ));
    }
}

/// Nested multiparts, each with another boundary.
#[test]
fn deep_multiparts_are_read() {
    let levels = 0..2000;
    let opened = levels.map(|level| {
        format!("Content-Type: multipart/mixed; boundary=\"b{level}, x\"\r\n\r\n--b{level}\r\n")
    });
    let text = many("--x\r\n", BODY);
    read(opened.collect::<String>() + "\r\n" + &text);
}
