//! Messages that are damaged, or never were valid: their content is still read, and nothing of it is
//! lost.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use koukan_core::message::{
    builder::Spec,
    parser::{ParseLimits, ParsedMessage, parse},
};
use rstest::rstest;
use serde_json::{Value, json};

use self::message::flat;

fn parsed(message: impl Into<Bytes>) -> ParsedMessage {
    let parsed = parse(message.into(), &ParseLimits::default());
    // Whatever the message, it can be sent on as it is.
    Spec::from_json(&flat(&parsed)).unwrap();
    parsed
}

/// The octets of a blob or text.
fn octets(parsed: &ParsedMessage, content: &Value) -> Bytes {
    if let Some(text) = content["inline"].as_str() {
        return text.to_owned().into();
    }
    let id = content["create_id"].as_str().unwrap();
    let blob = parsed.blobs.iter().find(|(other, _)| **other == *id);
    blob.unwrap().1.clone()
}

/// A field of the first recipient in a delivery status.
fn of_recipient(text: &str, key: &str) -> Value {
    let message = format!("Content-Type: message/delivery-status\r\n\r\n{text}\r\n");
    parsed(message).json["delivery_status"]["recipients"][0][key].clone()
}

/// The value of a header field in the tree.
fn field(name: &str, value: impl AsRef<[u8]>) -> Value {
    let message = [name.as_bytes(), b": ", value.as_ref(), b"\r\n\r\n"].concat();
    parsed(message).json["parts"]["headers"][0][1].clone()
}

// === base64 ===

/// 256 octets in lines of base64.
fn lines() -> (Vec<u8>, Vec<String>) {
    let octets: Vec<u8> = (0..=255).collect();
    let text = BASE64_STANDARD.encode(&octets);
    let lines = text.as_bytes().chunks(76);
    let lines = lines.map(|line| String::from_utf8(line.to_vec()).unwrap());
    (octets, lines.collect())
}

fn each(lines: &[String], change: impl Fn(&str) -> String) -> String {
    lines.iter().map(|line| change(line) + "\r\n").collect()
}

#[rstest]
#[case::plain(|lines: &[String]| lines.join("\r\n"))]
#[case::nul_at_each_end(|lines: &[String]| each(lines, |line| format!("{line}\0")))]
#[case::quoted(|lines: &[String]| each(lines, |line| format!("> {line}")))]
#[case::no_break_space(|lines: &[String]| each(lines, |line| format!("{line}\u{a0}")))]
#[case::in_each_line(|lines: &[String]| each(lines, |line| line[..9].to_owned() + "!" + &line[9..]))]
#[case::in_the_last_line(|lines: &[String]| {
    let text = lines.join("\r\n");
    text[..text.len() - 6].to_owned() + "!" + &text[text.len() - 6..]
})]
#[case::in_the_last_line_but_one(|lines: &[String]| lines.join("\r\n").replacen('f', "*f", 1))]
#[case::one_line(|lines: &[String]| lines.concat()[..100].to_owned() + "-" + &lines.concat()[100..])]
#[case::nul_behind_padding(|lines: &[String]| lines.join("\r\n") + "\0\r\n")]
#[case::dot_at_the_end(|lines: &[String]| lines.join("\r\n") + ".\r\n")]
#[case::indented(|lines: &[String]| each(lines, |line| format!("  {line}")))]
#[case::text_before(|lines: &[String]| "[External mail]\r\n\r\n".to_owned() + &lines.join("\r\n"))]
#[case::word_before(|lines: &[String]| "EXTERNAL\r\n\r\n".to_owned() + &lines.join("\r\n"))]
#[case::both(|lines: &[String]| format!("Beware!\r\n{}\r\n\r\n-- \r\nlist\r\n", lines.join("\r\n")))]
fn base64_is_read_whatever_is_around_it(#[case] damage: fn(&[String]) -> String) {
    let (expected, lines) = lines();
    let header = "Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let parsed = parsed(header.to_owned() + &damage(&lines));
    let tree = &parsed.json["parts"];
    assert_eq!(octets(&parsed, &tree["content"]), expected);
}

#[rstest]
#[case::before(
    "[External mail]\r\n\r\naGVsbG8=\r\n",
    "hello",
    "[External mail]\r\n\r\n",
    ""
)]
#[case::sentence(
    "Mind this. Beware!\r\naGVsbG8=\r\n",
    "hello",
    "Mind this. Beware!\r\n",
    ""
)]
#[case::word_after(
    "aGVsbG8haGVsbG8haGVsbG8h\r\n\r\nunsubscribe\r\n",
    "hello!hello!hello!",
    "",
    "\r\nunsubscribe\r\n"
)]
#[case::not_at_all(
    "Hello, this isn't base64.\r\nSecond line.\r\n",
    "Hello, this isn't base64.\r\nSecond line.\r\n",
    "",
    ""
)]
fn text_around_base64_is_kept(
    #[case] body: &str,
    #[case] text: &str,
    #[case] preamble: &str,
    #[case] epilogue: &str,
) {
    let json = parsed(format!("Content-Transfer-Encoding: base64\r\n\r\n{body}")).json;
    let tree = &json["parts"];
    assert_eq!(json["text_body"][0]["content"]["inline"], text);
    assert_eq!(tree["preamble"].as_str().unwrap_or_default(), preamble);
    assert_eq!(tree["epilogue"].as_str().unwrap_or_default(), epilogue);
}

#[rstest]
#[case("x-base64")]
#[case("7bit, base64")]
#[case("base 64")]
#[case("Content-Transfer-Encoding: base64")]
#[case("\r\nContent-Transfer-Encoding: base64")]
#[case("7bit\r\nContent-Transfer-Encoding: base64")]
fn base64_has_many_names(#[case] name: &str) {
    let message = format!("Content-Transfer-Encoding: {name}\r\n\r\naGVsbG8=\r\n");
    assert_eq!(
        parsed(message).json["text_body"][0]["content"]["inline"],
        "hello"
    );
}

// === octets that are not text ===

#[rstest]
#[case::utf_8("utf-8", b"caf\xe9 ok", "caf\u{fffd} ok")]
#[case::gb2312("gb2312", b"\xff\xff ok", "\u{fffd}\u{fffd} ok")]
#[case::iso_2022_jp("iso-2022-jp", b"\x1b$Bz\x1b(B\x80 ok", "\u{fffd}\u{fffd} ok")]
fn octets_that_a_charset_does_not_have_are_kept(
    #[case] charset: &str,
    #[case] text: &[u8],
    #[case] expected: &str,
) {
    let header = format!("Content-Type: text/plain; charset={charset}\r\n\r\n");
    for repeated in [1, 500] {
        let body = text.repeat(repeated);
        let parsed = parsed([header.as_bytes(), &body].concat());
        let tree = &parsed.json["parts"];
        assert_eq!(octets(&parsed, &tree["original"]), body);
        assert_eq!(octets(&parsed, &tree["content"]), expected.repeat(repeated));
        // The shown content stays text.
        assert_eq!(parsed.json["text_body"][0]["content"], tree["content"]);
    }
}

#[rstest]
#[case::latin("iso-8859-1", b"caf\xe9")]
#[case::utf_8("utf-8", "caf\u{e9} \u{fffd}".as_bytes())]
#[case::none("us-ascii", b"caf\xe9")]
fn text_that_its_charset_has_is_there_once(#[case] charset: &str, #[case] text: &[u8]) {
    let header = format!("Content-Type: text/plain; charset={charset}\r\n\r\n");
    let parsed = parsed([header.as_bytes(), text].concat());
    assert_eq!(parsed.json["parts"]["original"], json!(null));
    assert_eq!(parsed.blobs.len(), 0);
}

// === content types ===

#[rstest]
#[case::comment(b"multipart/mixed; boundary (c) =b", b"b")]
#[case::colon(b"multipart/mixed: boundary=b", b"b")]
#[case::all_quoted(b"\"multipart/mixed; boundary=b\"", b"b")]
#[case::encoded_word(b"=?utf-8?q?multipart/mixed=3B_boundary=3Db?=", b"b")]
#[case::brackets(b"<multipart/mixed>; boundary=b", b"b")]
#[case::name_twice(b"Content-Type: multipart/mixed; boundary=b", b"b")]
#[case::octets(b"multipart/mixed; boundary=\xfcx", b"\xfcx")]
#[case::utf_8("multipart/mixed; boundary=\u{fc}x".as_bytes(), "\u{fc}x".as_bytes())]
#[case::single_quotes(b"multipart/mixed; boundary='b'", b"b")]
#[case::second(b"multipart/mixed; boundary=c; boundary=b", b"b")]
#[case::all_quoted_but_one(b"\"multipart/mixed; x=y\" boundary=b", b"b")]
#[case::brackets_but_for_one(b"<multipart/mixed; x=y> boundary=b", b"b")]
#[case::list(b"multipart/mixed; boundary=b, foo", b"b")]
#[case::hyphens(b"multipart/mixed; boundary=\"--b\"", b"b")]
#[case::hyphens_that_are_meant(b"multipart/mixed; boundary=\"--b\"", b"--b")]
fn multiparts_are_found(#[case] content_type: &[u8], #[case] boundary: &[u8]) {
    let delimiter = [b"\r\n--", boundary].concat();
    let message = [
        b"Content-Type: ",
        content_type,
        b"\r\n",
        &delimiter,
        b"\r\n\r\none",
        &delimiter,
        b"\r\nContent-Type: text/html: charset=utf-8\r\n\r\n<b>two",
        &delimiter,
        b"--\r\n",
    ]
    .concat();
    let json = parsed(message).json;
    let parts = &json["parts"]["parts"];
    assert_eq!(json["parts"]["content_type"], "multipart/mixed");
    assert_eq!(parts[0]["content"]["inline"], "one");
    assert_eq!(parts[1]["content_type"], "text/html");
    assert_eq!(parts[1]["content"]["inline"], "<b>two");
}

#[rstest]
#[case("text/html, text/plain")]
#[case("text/html:")]
#[case("text/html,charset=utf-8")]
#[case("\"text/html; charset=utf-8\"")]
fn html_is_html(#[case] content_type: &str) {
    let json = parsed(format!("Content-Type: {content_type}\r\n\r\n<b>x")).json;
    assert_eq!(
        json["text_body"],
        json!([{"content_type": "text/html", "content": {"inline": "<b>x"}}])
    );
}

// === header fields ===

#[rstest]
#[case("A <j@x.org B <k@y.org>", &[("A", "j@x.org"), ("B", "k@y.org")])]
#[case("\"Joe <j@x.org>, Ann <k@y.org>", &[("\"Joe", "j@x.org"), ("Ann", "k@y.org")])]
#[case("Joe (work <j@x.org>, k@y.org", &[("Joe (work", "j@x.org"), ("", "k@y.org")])]
#[case("Joe Foo [mailto:j@x.org]", &[("Joe Foo", "j@x.org")])]
#[case("a(c)@x.org", &[("", "a@x.org")])]
#[case("<undisclosed-recipients:;>", &[])]
#[case("j@[ 192.0.2.1 ]", &[("", "j@[192.0.2.1]")])]
#[case("Joe <j@[ 192.0.2.1 ]>, k@y.org", &[("Joe", "j@[192.0.2.1]"), ("", "k@y.org")])]
#[case("Joe Foo <j@x.org>, PhD, k@y.org", &[("Joe Foo", "j@x.org"), ("PhD", ""), ("", "k@y.org")])]
#[case("\"A &lt;B&gt;\" <j@x.org>", &[("A &lt;B&gt;", "j@x.org")])]
fn addresses_are_those_that_are_there(#[case] value: &str, #[case] expected: &[(&str, &str)]) {
    let message = format!("To: {value}\r\n\r\n");
    let json = parsed(message).json;
    let list = json["parts"]["headers"][0][1].as_array().unwrap();
    let found: Vec<_> = list
        .iter()
        .map(|one| {
            let name = one["display_name"].as_str().unwrap_or_default();
            (name, one["address"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
    if expected.iter().any(|(_, address)| !address.is_empty()) {
        let mut accepted = list.clone();
        accepted.retain(|one| one["address"] != "");
        assert_eq!(json["headers"][0][1], json!(accepted));
    }
}

#[rstest]
#[case("<a (b@x.org> <c (d)@x.org>", &["a(b@x.org", "c@x.org"])]
#[case("<\"a (b\" @x.org>", &["\"a (b\"@x.org"])]
fn parentheses_in_an_id_are_part_of_it_unless_they_are_pairs(
    #[case] value: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(field("References", value), json!(expected));
}

#[test]
fn fields_of_the_appendix_of_rfc_5322_are_read() {
    let date = field("Date", "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600");
    assert_eq!(
        date,
        json!({"unix_secs": 880_127_706, "tz_offset": -21_600})
    );
    let id = field("Message-ID", "<1234   @   local(blah)  .machine .example>");
    assert_eq!(id, json!(["1234@local.machine.example"]));
    let from = field(
        "From",
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
    );
    assert_eq!(
        from,
        json!([{"display_name": "Pete", "address": "pete@silly.test"}])
    );
    let phrase = "Your message of <Mon, 6 Mar 2024>";
    assert_eq!(field("In-Reply-To", phrase), phrase);
}

#[rstest]
#[case::line_end(r"utf-8; a\x{D}\x{A}b@x", "final_recipient", r"a\x{D}\x{A}b@x")]
#[case::other(r"utf-8; \x{FC}\x{85}@x", "final_recipient", r"ü\x{85}@x")]
#[case::word("smtp; =?utf-8?q?550_a=0D=0Ab?=", "diagnostic", "550 ab")]
fn no_value_of_a_delivery_status_has_a_line_end(
    #[case] value: &str,
    #[case] key: &str,
    #[case] expected: &str,
) {
    let text = match key {
        "diagnostic" => format!("Final-Recipient: rfc822; a@x\r\nDiagnostic-Code: {value}"),
        _ => format!("Final-Recipient: {value}"),
    };
    assert_eq!(of_recipient(&text, key), expected);
}
