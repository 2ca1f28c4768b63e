//! Messages as others write them: nothing is lost, and nothing is read that is not there.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use bytes::Bytes;
use koukan_core::message::{
    builder::Spec,
    parser::{ParseLimits, ParsedMessage, parse},
};
use rstest::rstest;
use serde_json::{Value, json};

use self::message::{flat, python};

fn parsed(message: impl Into<Bytes>) -> ParsedMessage {
    let parsed = parse(message.into(), &ParseLimits::default());
    // Whatever the message, it can be sent on as it is.
    Spec::from_json(&flat(&parsed)).unwrap();
    parsed
}

fn multipart(body: &str) -> ParsedMessage {
    parsed(format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}"
    ))
}

/// The content of a message's only part, with `header` in its header section.
fn content(header: &str, body: &[u8]) -> Bytes {
    let message = [header.as_bytes(), b"\r\n\r\n", body].concat();
    let parsed = parsed(message);
    let content = &parsed.json["parts"]["content"];
    match content["inline"].as_str() {
        Some(text) => text.to_owned().into(),
        None => parsed.blobs[0].1.clone(),
    }
}

/// The value of a header field in the tree.
fn field(name: &str, value: impl AsRef<[u8]>) -> Value {
    let message = [name.as_bytes(), b": ", value.as_ref(), b"\r\n\r\n"].concat();
    parsed(message).json["parts"]["headers"][0][1].clone()
}

// === multiparts ===

#[rstest]
#[case::only_the_end("--b--\r\nhello\r\n")]
#[case::only_the_end_twice("--b--\r\nhello\r\n--b--\r\n")]
#[case::no_delimiter("hello\r\n")]
#[case::in_a_line("x --b\r\nhello\r\n")]
#[case::nothing("")]
fn a_multipart_that_cannot_be_split_is_a_leaf(#[case] body: &'static str) {
    let parsed = multipart(body);
    let tree = &parsed.json["parts"];
    assert_eq!(tree["content_type"], "multipart/mixed");
    assert_eq!(tree["content"], json!({"create_id": "part1"}));
    assert_eq!(
        parsed.json["file_attachments"][0]["content"],
        tree["content"]
    );
    assert_eq!(parsed.blobs[0].1, body);
}

#[rstest]
#[case::plain("--b\r\n\r\nhello\r\n--b--\r\n", json!(null))]
#[case::blanks("--b  \t\r\n\r\nhello\r\n--b--  \r\n", json!(null))]
#[case::text_behind("--b junk\r\n\r\nhello\r\n--b--\r\n", json!("junk"))]
#[case::text_at_once("--b;junk\r\n\r\nhello\r\n--b--\r\n", json!(";junk"))]
#[case::end_first("--b--\r\n--b\r\n\r\nhello\r\n--b--\r\n", json!(null))]
#[case::no_end("--b\r\n\r\nhello", json!(null))]
fn delimiters_are_found(#[case] body: &str, #[case] padding: Value) {
    let parsed = multipart(body);
    let text = &parsed.json["text_body"][0]["content"]["inline"];
    assert_eq!(text, "hello");
    assert_eq!(parsed.json["parts"]["parts"][0]["padding"], padding);
}

#[test]
fn what_is_around_the_parts_is_kept() {
    let parsed = multipart("one\r\n\r\ntwo\r\n--b\r\n\r\nhello\r\n--b--\r\nthree\r\n");
    let tree = &parsed.json["parts"];
    assert_eq!(tree["preamble"], "one\r\n\r\ntwo");
    assert_eq!(tree["epilogue"], "three\r\n");
    assert_eq!(parsed.json["file_attachments"], json!([]));
    // Content that is too long for that is another part.
    let long = "x".repeat(2000);
    let parsed = multipart(&format!("{long}\r\n--b\r\n\r\nhello\r\n--b--\r\n"));
    let parts = parsed.json["parts"]["parts"].as_array().unwrap();
    assert_eq!(parts[1]["content_type"], "application/octet-stream");
    assert_eq!(parsed.blobs[0].1, long);
    let first =
        self::parsed(b"From alice@x Wed Mar  6 10:42:31 2024\r\nSubject: hi\r\n\r\n".to_vec());
    let line = "From alice@x Wed Mar  6 10:42:31 2024";
    assert_eq!(first.json["parts"]["mbox_from"], line);
}

#[test]
fn a_multipart_that_is_encoded_is_decoded() {
    let body = "LS1iDQoNCmhlbGxvDQotLWItLQ0K";
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
    );
    let json = parsed(message).json;
    assert_eq!(json["text_body"][0]["content"]["inline"], "hello");
}

#[rstest]
#[case::no_semicolon("multipart/mixed boundary=b")]
#[case::tab("multipart/mixed\tboundary=b")]
#[case::folded("multipart/mixed;\r\n\tboundary=\"b\"")]
#[case::blanks("multipart / mixed; boundary = \"b\"")]
#[case::second("multipart/mixed; charset=\"utf-8\" boundary=\"b\"")]
#[case::comment("multipart/mixed (comment; boundary=x); boundary=b (b)")]
#[case::sections("multipart/mixed; boundary*0=\"b\"; boundary*1=\"\"")]
#[case::extended("multipart/mixed; boundary*=us-ascii'en'%62")]
#[case::encoded_word("multipart/mixed; boundary=\"=?us-ascii?Q?b?=\"")]
#[case::quotes("\"multipart/mixed\"; boundary=b")]
#[case::no_end("multipart/mixed; boundary=\"b")]
#[case::comma("multipart/mixed, boundary=b")]
#[case::twice("multipart/mixed; boundary=b; boundary=c")]
fn boundaries_are_found(#[case] content_type: &str) {
    let body = "--b\r\n\r\nhello\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n";
    let json = parsed(format!("Content-Type: {content_type}\r\n\r\n{body}")).json;
    let parts = json["parts"]["parts"].as_array();
    assert_eq!(parts.map(Vec::len), Some(2), "{json}");
}

#[test]
fn an_encoded_word_in_a_boundary_may_be_the_boundary() {
    let boundary = "=?us-ascii?Q?b?=";
    let message = format!(
        "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n\r\nhello\r\n--{boundary}--\r\n"
    );
    let json = parsed(message).json;
    assert_eq!(json["text_body"][0]["content"]["inline"], "hello");
}

#[test]
fn a_header_that_is_too_long_is_cut_and_the_rest_is_content() {
    let field = format!("X-Long: {}\r\n", "x".repeat(1 << 20));
    let header = field.repeat(5);
    let parsed = parsed(format!(
        "Content-Transfer-Encoding: base64\r\n{header}\r\naGk=\r\n"
    ));
    let tree = &parsed.json["parts"];
    assert_eq!(tree["headers"].as_array().unwrap().len(), 4);
    assert_eq!(parsed.blobs[0].1, format!("{field}{field}\r\naGk=\r\n"));
    let fields = "A: b\r\n".repeat(1005);
    let json = self::parsed(format!("{fields}\r\nhello")).json;
    assert_eq!(json["parts"]["content_type"], "application/octet-stream");
    assert_eq!(json["parts"]["headers"].as_array().unwrap().len(), 1000);
}

// === charsets ===

#[rstest]
#[case::iso_2022_kr("iso-2022-kr", b"\x1b$)C\x0eGQ1[\x0f!", "한글!")]
#[case::hz("hz-gb-2312", b"~{VPND~}!", "中文!")]
#[case::cp932("cp932", b"\x93\xfa\x87\x40", "日①")]
#[case::cp949("cp949", b"\x8c\x63", "똠")]
#[case::johab("johab", b"\xd0\x65", "한")]
#[case::cp437("cp437", b"\x81", "ü")]
#[case::utf_32("utf-32", b"\0\0\0\xfc", "ü")]
#[case::utf_16("utf-16", b"\xff\xfe\xfc\0", "ü")]
#[case::iso_2022_jp_2("iso-2022-jp-2", b"\x1b$(D0!\x1b(B", "丂")]
#[case::utf_7("utf-7", b"+APw-", "ü")]
#[case::quoted("\"'utf-8'\"", b"\xc3\xbc", "ü")]
#[case::semicolon("utf-8;;", b"\xc3\xbc", "ü")]
fn text_is_read_in_its_charset(
    #[case] charset: &str,
    #[case] octets: &[u8],
    #[case] expected: &str,
) {
    let header = format!("Content-Type: text/plain; charset={charset}");
    assert_eq!(content(&header, octets), expected);
}

#[rstest]
#[case::each_by_itself(
    b"=?ISO-2022-JP?B?GyRCJCIbKEI=?=\r\n =?iso-2022-jp?B?GyRCJCQbKEI=?=",
    "あい"
)]
#[case::all_in_one(b"=?iso-2022-jp?B?GyRCJCI=?= =?iso-2022-jp?B?JCQbKEI=?=", "あい")]
#[case::broken_character(b"=?utf-8?Q?=C3?= =?UTF-8?Q?=BC?=", "ü")]
#[case::broken_base64(b"=?utf-8?B?5pel5p?= =?utf-8?B?ys6Kqe?=", "日本語")]
#[case::octets_within(b"=?iso-8859-5?Q?\xbf\xe0?=", "Пр")]
#[case::octets_within_utf_8("=?utf-8?Q?grün?= x".as_bytes(), "grün x")]
#[case::kr(b"=?iso-2022-kr?B?GyQpQw5HUQ8=?=", "한")]
#[case::unlabelled(b"\x1b$B$\"\x1b(B", "あ")]
#[case::cp949(b"=?ks_c_5601-1987?B?x9E=?= =?cp949?B?jGM=?=", "한똠")]
fn encoded_words_are_read(#[case] value: &[u8], #[case] expected: &str) {
    assert_eq!(field("Subject", value), expected);
}

// === transfer encodings ===

#[rstest]
#[case::comment("base64 (comment)")]
#[case::comment_before("(comment) base64")]
#[case::semicolon("base64;")]
#[case::parameter("base64; x=y")]
#[case::quotes("\"base64\"")]
#[case::case_of_letters("BASE64")]
#[case::folded("\r\n base64")]
fn base64_is_recognised(#[case] name: &str) {
    let header = format!("Content-Transfer-Encoding: {name}");
    assert_eq!(content(&header, b"aGk=\r\n"), "hi");
}

#[rstest]
#[case("quoted-printable;")]
#[case("\"quoted-printable\"")]
#[case("Quoted-Printable (comment)")]
fn quoted_printable_is_recognised(#[case] name: &str) {
    let header = format!("Content-Transfer-Encoding: {name}");
    assert_eq!(content(&header, b"=C3=BC"), "ü");
}

#[test]
fn what_follows_base64_is_told_apart() {
    let footer = "_______________\r\nlist mailing list\r\n";
    let header = "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let json = parsed(format!("{header}aGVsbG8=\r\n{footer}")).json;
    assert_eq!(json["text_body"][0]["content"]["inline"], "hello");
    assert_eq!(json["parts"]["epilogue"], footer);
    // Without padding, too.
    let json = parsed(format!("{header}aGVsbG8h\r\n{footer}")).json;
    assert_eq!(json["text_body"][0]["content"]["inline"], "hello!");
    assert_eq!(json["parts"]["epilogue"], footer);
    // What is not base64 at all.
    let json = parsed(format!("{header}...\r\n")).json;
    assert_eq!(json["text_body"][0]["content"]["inline"], "...\r\n");
}

#[test]
fn uuencode_is_decoded() {
    let message = "Content-Type: application/x-gzip\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n\
        see:\r\nbegin 644 cat\r\n#0V%T\r\n`\r\nend\r\nbye\r\n";
    let parsed = parsed(message);
    assert_eq!(parsed.blobs[0].1, "Cat");
    assert_eq!(
        parsed.json["parts"]["preamble"],
        "see:\r\nbegin 644 cat\r\n"
    );
    assert_eq!(parsed.json["parts"]["epilogue"], "bye\r\n");
}

// === header fields ===

#[rstest]
#[case("Big Bug bb@bug.com", &[("Big Bug", "bb@bug.com")])]
#[case("Joe Foo, PhD <j@x.org>", &[("Joe Foo, PhD", "j@x.org")])]
#[case("A <j@x.org> B <k@y.org>", &[("A", "j@x.org"), ("B", "k@y.org")])]
#[case("j@x.org k@y.org", &[("", "j@x.org"), ("", "k@y.org")])]
#[case("undisclosed-recipients:;", &[])]
#[case("g: A <j@x.org>, k@y.org;", &[("A", "j@x.org"), ("", "k@y.org")])]
fn no_address_is_invented_and_none_is_lost(#[case] value: &str, #[case] expected: &[(&str, &str)]) {
    for name in ["From", "To", "Cc", "Reply-To"] {
        let list = field(name, value);
        let found: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let name = one["display_name"].as_str().unwrap_or_default();
                (name, one["address"].as_str().unwrap())
            })
            .collect();
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn phrases_are_neither_addresses_nor_ids() {
    let phrase = "Your message of Monday";
    assert_eq!(field("In-Reply-To", phrase), phrase);
    assert_eq!(field("References", phrase), phrase);
    assert_eq!(
        field("To", "undisclosed recipients"),
        "undisclosed recipients"
    );
    let mixed = "Your message of \"Mon, 6 Mar\" <a@b>";
    assert_eq!(field("In-Reply-To", mixed), json!(["a@b"]));
}

#[rstest]
#[case("Wed, 6 Mar 2024 11:51 CST", 1_709_747_460, -6)]
#[case("Wed, 6 Mar 2024 11:51:60 +0000", 1_709_725_920, 0)]
#[case("Wed, 6 Mar 2024 11:51:10", 1_709_725_870, 0)]
#[case("Wednesday, 6 March 2024 11:51:10 +0000", 1_709_725_870, 0)]
#[case("Wed, 6 Mar 2024 11:51:10 -0600 (CST)", 1_709_747_470, -6)]
fn dates_are_read(#[case] value: &str, #[case] unix_secs: i64, #[case] hours: i64) {
    let expected = json!({"unix_secs": unix_secs, "tz_offset": hours * 3600});
    assert_eq!(field("Date", value), expected);
}

#[rstest]
#[case("Wed, 6 Mar 2024 11:51:10 -600")]
#[case("Wed, 6 Mar 2024 11:51:10 +9999")]
#[case("Fri, 30 Feb 2024 11:51:10 +0000")]
fn dates_that_are_none_are_text(#[case] value: &str) {
    assert_eq!(field("Date", value), value);
}

#[test]
fn python_reads_the_same_charsets() {
    let messages: Vec<Vec<u8>> = [
        ("iso-2022-kr", &b"\x1b$)C\x0eGQ1[\x0f!"[..]),
        ("hz", b"~{VPND~}!"),
        ("cp932", b"\x93\xfa\x87\x40"),
        ("cp949", b"\xc7\xd1\x8c\x63"),
        ("johab", b"\xd0\x65\x8b\x69"),
        ("cp437", b"\x81\xe1"),
        ("utf-7", b"+ZeVnLIqe-"),
        ("iso-2022-jp-2", b"\x1b$BF|\x1b$(D0!\x1b$(CGQ\x1b(B"),
        ("koi8-t", b"a"),
    ]
    .iter()
    .map(|(charset, text)| {
        let header = format!("Content-Type: text/plain; charset={charset}\r\n\r\n");
        [header.as_bytes(), text].concat()
    })
    .collect();
    let described = python::describe(messages.iter().map(|message| &message[..]));
    for (message, theirs) in messages.into_iter().zip(described) {
        let ours = parsed(message);
        let text = &ours.json["text_body"][0]["content"]["inline"];
        assert_eq!(*text, theirs["parts"][0]["text"]);
    }
}
