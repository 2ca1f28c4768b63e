//! Parsed messages, compared with the results of other parsers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use bytes::Bytes;
use koukan_core::message::parser::{ParseLimits, ParsedMessage, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::message::{corpus, message, python};

fn parsed(octets: impl Into<Bytes>) -> ParsedMessage {
    parse(octets.into(), &ParseLimits::default())
}

fn named(name: &str) -> Value {
    parsed(message(name)).json
}

/// The octets that `content` stands for.
fn octets(parsed: &ParsedMessage, content: &Value) -> Bytes {
    if let Some(text) = content["inline"].as_str() {
        return text.to_owned().into();
    }
    let id = content["create_id"].as_str().unwrap();
    let blob = parsed.blobs.iter().find(|(other, _)| **other == *id);
    blob.unwrap().1.clone()
}

/// The leaves of the tree, including attached messages.
fn leaves(node: &Value) -> Vec<&Value> {
    match node["parts"].as_array() {
        Some(nodes) if node["content"].is_null() => nodes.iter().flat_map(leaves).collect(),
        _ => vec![node],
    }
}

/// The leaves of the tree, including those of attached messages.
fn all_leaves(node: &Value) -> Vec<&Value> {
    let nodes = node["parts"].as_array().into_iter().flatten();
    let own = (!node["content"].is_null()).then_some(node);
    own.into_iter().chain(nodes.flat_map(all_leaves)).collect()
}

#[test]
fn header_fields_are_parsed_by_their_kind() {
    let json = named("plain");
    let expected = json!([
        ["return-path", "<alice@example.org>"],
        ["received", "from client.example.org ([192.0.2.1]) by mx.example.com with ESMTP \
            id 4xww8tt5 for <bob@example.com>; Wed, 6 Mar 2024 10:42:35 -0800"],
        ["from", [{"display_name": "Alice Adams", "address": "alice@example.org"}]],
        ["to", [{"address": "bob@example.com"}, {"display_name": "Carol, C.", "address": "carol@example.com"}]],
        ["cc", [{"address": "\"quoted local\"@example.net"}]],
        ["reply-to", [{"address": "alice+reply@example.org"}]],
        ["subject", "lunch"],
        ["date", {"unix_secs": 1_709_750_551, "tz_offset": -28_800}],
        ["message-id", ["abc@xyz.example.org"]],
        ["in-reply-to", ["abd@xyz.example.org"]],
        ["references", ["abd@xyz.example.org", "abe@xyz.example.org"]],
    ]);
    assert_eq!(json["headers"], expected);
    let all = json["parts"]["headers"].as_array().unwrap();
    assert_eq!(all[..11], expected.as_array().unwrap()[..]);
    assert_eq!(all[11], json!(["mime-version", "1.0"]));
    assert_eq!(
        all[12],
        json!(["content-type", ["text/plain", {"charset": "us-ascii"}]])
    );
    let text = json!({"content_type": "text/plain", "content": {"inline": "Shall we?\r\n\r\n-- \r\nAlice\r\n"}});
    assert_eq!(json["text_body"], json!([text]));
    assert_eq!(json["parts"]["content"], text["content"]);
    assert_eq!(json["file_attachments"], json!([]));
}

#[test]
fn what_a_builder_would_refuse_is_only_in_the_tree() {
    let json = named("addresses");
    let expected = json!([
        ["from", [{"display_name": "\"Quoted\"", "address": "a@example.com"}]],
        ["sender", [{"address": "s@example.com"}]],
        ["to", [
            {"address": "x@example.com"},
            {"display_name": "Y Z", "address": "y@example.com"},
            {"address": "z@example.com"},
            {"display_name": "A (nested) comment", "address": "c@example.com"},
            {"display_name": "un\"quoted", "address": "u@[192.0.2.1]"},
        ]],
        ["subject", "addresses"],
        ["x-empty", ""],
        ["x-control", "a\u{fffd}b c"],
    ]);
    assert_eq!(json["headers"], expected);
    let all = json["parts"]["headers"].as_array().unwrap();
    let of = |name: &str| {
        all.iter()
            .filter(|header| header[0] == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("cc")[0][1], json!([]));
    assert_eq!(of("subject").len(), 2);
    assert_eq!(of("to")[0][1].as_array().unwrap().len(), 6);
}

#[test]
fn parts_are_told_apart_by_what_they_are_for() {
    let parsed = parsed(message("related_and_files"));
    let json = &parsed.json;
    assert_eq!(
        json["text_body"],
        json!([
            {"content_type": "text/plain", "content": {"inline": "see the picture"}},
            {"content_type": "text/html", "content": {"inline": "<img src=\"cid:pic@example.com\">"}},
        ])
    );
    let image = json!({"content_type": "image/png", "content": {"create_id": "part1"},
        "content_id": "pic@example.com", "filename": "pic.png"});
    assert_eq!(json["related_attachments"], json!([image]));
    assert_eq!(
        json["file_attachments"],
        json!([
            {"content_type": "application/pdf", "content": {"create_id": "part2"}, "filename": "日本語.pdf"},
            {"content_type": "text/csv; charset=iso-8859-1", "content": {"create_id": "part3"}, "filename": "prénom.csv"},
        ])
    );
    let csv = octets(&parsed, &json["file_attachments"][1]["content"]);
    assert_eq!(csv, &b"pr\xe9nom;nom\nAndr\xe9;P\n"[..]);
    let ids: Vec<_> = parsed.blobs.iter().map(|(id, _)| &**id).collect();
    assert_eq!(ids, ["part1", "part2", "part3"]);
    let in_tree = leaves(&json["parts"]);
    assert_eq!(in_tree[2]["content"], image["content"]);
    assert_eq!(
        in_tree[3]["headers"][1],
        json!(["content-disposition", ["attachment", {"filename": "日本語.pdf"}]])
    );
}

#[test]
fn the_text_is_one_text() {
    let footer = named("list_footer");
    assert_eq!(footer["text_body"][0]["content"]["inline"], "the text");
    assert_eq!(
        footer["file_attachments"][0]["content"]["inline"],
        "the footer"
    );
    let apple = named("apple_alternative");
    let types = |list: &str| -> Vec<_> {
        let parts = apple[list].as_array().unwrap().iter();
        parts
            .map(|part| part["content_type"].as_str().unwrap())
            .collect()
    };
    assert_eq!(types("text_body"), ["text/plain", "text/html"]);
    assert_eq!(types("file_attachments"), ["application/pdf", "text/html"]);
    let flowed = named("flowed");
    assert_eq!(
        flowed["text_body"][0]["content_type"],
        "text/plain; delsp=yes; format=flowed"
    );
}

#[test]
fn large_text_is_a_blob_in_utf8() {
    let text = "grün ".repeat(500);
    let (latin, _) = (text.chars().map(|c| c as u8).collect::<Vec<_>>(), ());
    let header = "Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n\r\n";
    let of_latin = parsed([header.as_bytes(), &latin].concat());
    let part = &of_latin.json["text_body"][0];
    assert_eq!(
        part,
        &json!({"content_type": "text/plain; format=flowed", "content": {"create_id": "part1"}})
    );
    assert_eq!(of_latin.blobs[0].1, text);
    let message = Bytes::from(format!("X: y\r\n\r\n{text}"));
    let of_utf8 = parsed(message.clone());
    assert!(
        message
            .as_ptr_range()
            .contains(&of_utf8.blobs[0].1.as_ptr())
    );
}

#[test]
fn limits_leave_the_rest_in_one_piece() {
    let deep = parsed(message("deep"));
    let (mut node, mut depth) = (&deep.json["parts"], 0);
    while let Some(inner) = node["parts"].get(0) {
        (node, depth) = (inner, depth + 1);
    }
    assert_eq!(
        (depth, &node["content_type"]),
        (20, &json!("multipart/mixed"))
    );
    assert!(octets(&deep, &node["content"]).starts_with(b"--b19\r\n"));
    assert_eq!(
        deep.json["file_attachments"][0]["content_type"],
        "application/octet-stream"
    );

    let body = "--x\r\n\r\npart".repeat(9).replace("part--", "part\r\n--");
    let many = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{body}\r\n--x--\r\n");
    let limits = ParseLimits::default().with_max_parts(4);
    let json = parse(many.into(), &limits).json;
    let parts = json["parts"]["parts"].as_array().unwrap();
    let types: Vec<_> = parts
        .iter()
        .map(|part| part["content_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["text/plain", "text/plain", "application/octet-stream"]
    );

    let limits = ParseLimits::default().with_max_inline(3);
    assert_eq!(
        parse("\r\nabc".into(), &limits).json["text_body"][0]["content"]["inline"],
        "abc"
    );
    assert_eq!(
        parse("\r\nabcd".into(), &limits).json["text_body"][0]["content"]["create_id"],
        "part1"
    );
}

#[test]
fn a_huge_header_is_cut() {
    let json = named("huge_header");
    let names: Vec<_> = json["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| &header[0])
        .collect();
    assert_eq!(names, ["from", "x-many", "to"]);
    // In the tree it is complete.
    let subject = json["parts"]["headers"][1][1].as_str().unwrap();
    let octets = message("huge_header");
    let end = octets.windows(2).filter(|end| end == b"\r\n").count();
    assert!(end > 0 && subject.len() > 64 << 10, "{}", subject.len());
}

#[test]
fn malformed_messages_are_read_as_far_as_it_goes() {
    let text = |name: &str| named(name)["text_body"][0]["content"]["inline"].clone();
    assert_eq!(text("no_header"), "just text\r\nwithout a header\r\n");
    // An empty text is a blob: applications take an empty inline one for missing.
    for name in ["no_body", "empty"] {
        assert_eq!(
            named(name)["text_body"][0]["content"],
            json!({"create_id": "part1"})
        );
    }
    let nul = named("nul");
    assert_eq!(nul["file_attachments"][0]["content"]["inline"], "a\0b\r\n");
    assert_eq!(text("eight_bit_headers"), "grün\r\n");
    assert_eq!(named("eight_bit_headers")["headers"][2][1], "grüße");
    assert_eq!(text("bad_base64"), "a=zz=4 100% ");
    let bad = parsed(message("bad_base64"));
    assert_eq!(bad.blobs[0].1, "helloworld");
    let no_end = parsed(message("no_end"));
    assert_eq!(no_end.json["text_body"][0]["content"]["inline"], "one");
    assert_eq!(no_end.blobs[0].1, "hello world");
    let odd = named("odd_types");
    assert_eq!(odd["text_body"][0]["content"]["inline"], "one");
    assert_eq!(odd["file_attachments"].as_array().unwrap().len(), 2);
    let boundaryless = named("no_boundary");
    assert_eq!(
        boundaryless["file_attachments"][0]["content_type"],
        "application/octet-stream"
    );
}

#[test]
fn python_reads_the_same() {
    let names = [
        "alternative",
        "calendar",
        "flowed",
        "gb18030",
        "iso-2022-jp",
        "koi8-r",
        "list_footer",
        "plain",
        "related_and_files",
        "shift_jis",
        "signed",
        "windows-1252",
    ];
    let messages: Vec<_> = names.iter().map(|name| message(name)).collect();
    let described = python::describe(messages.iter().map(|message| &message[..]));
    for ((name, message), theirs) in names.iter().zip(messages).zip(described) {
        let ours = parsed(message);
        let header = |name: &str| {
            let mut headers = ours.json["headers"].as_array().unwrap().iter();
            headers
                .find(|header| header[0] == name)
                .map(|header| header[1].clone())
        };
        assert_eq!(header("subject").unwrap(), theirs["subject"], "{name}");
        if let Some(date) = header("date") {
            assert_eq!(
                date["unix_secs"].as_f64(),
                theirs["date"].as_f64(),
                "{name}"
            );
        }
        let leaves = leaves(&ours.json["parts"]);
        let parts = theirs["parts"].as_array().unwrap();
        assert_eq!(leaves.len(), parts.len(), "{name}");
        for (leaf, part) in leaves.into_iter().zip(parts) {
            assert_eq!(leaf["content_type"], part["type"], "{name}");
            let (our, their) = (octets(&ours, &leaf["content"]), python::content(part));
            match part["text"].as_str() {
                Some(text) if part["filename"].is_null() => {
                    let lf = |text: &str| text.replace("\r\n", "\n");
                    assert_eq!(lf(std::str::from_utf8(&our).unwrap()), lf(text), "{name}");
                }
                _ => assert_eq!(our, their, "{name}"),
            }
        }
    }
}

/// What must hold for every message.
fn check(message: Bytes, limits: &ParseLimits) {
    let parsed = parse(message, limits);
    let named = |parts: Vec<&Value>, keys: &[&str]| -> Vec<String> {
        let all = parts.iter().flat_map(|part| {
            let all = keys.iter().map(|key| &part[*key]["create_id"]);
            all.filter_map(Value::as_str)
        });
        let mut ids: Vec<_> = all.map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let json = &parsed.json;
    let flat = ["text_body", "related_attachments", "file_attachments"];
    let flat = flat.iter().flat_map(|key| json[*key].as_array().unwrap());
    let mut blobs: Vec<_> = parsed.blobs.iter().map(|(id, _)| id.to_string()).collect();
    blobs.sort();
    let all = named(all_leaves(&json["parts"]), &["content", "original"]);
    assert_eq!(all, blobs);
    let shown = named(flat.collect(), &["content"]);
    assert_eq!(shown, named(leaves(&json["parts"]), &["content"]));
    // Content that is nested too deeply could not be read again.
    let text = json.to_string();
    assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), json);
}

#[test]
fn every_message_of_the_corpus_cut_anywhere_is_read() {
    for (name, message) in corpus() {
        let step = if message.len() > 10_000 { 997 } else { 7 };
        for end in (0..message.len()).step_by(step) {
            check(message.slice(..end), &ParseLimits::default());
        }
        println!("{name}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
        check(octets.into(), &ParseLimits::default());
    }

    #[test]
    fn nothing_that_looks_like_a_message_makes_it_panic(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "From: ", "To: ", "Date: ", "Content-Type: ", "multipart/mixed", "text/plain", "; boundary=b",
            "; charset=", "utf-8", "iso-2022-jp", "utf-7", "; name*0*=", "''%", "\r\n", "\r\n\r\n", "\n", "--b", "--b--",
            "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable", "aGk", "=", "=?", "?q?", "?=",
            "\"", "(", ")", "<", ">", "@", ",", ":", ";", " ", "\t", "ü", "\0", "multipart/alternative", "multipart/related",
            "Content-ID: <a>", "message/rfc822", "message/delivery-status", "Final-Recipient: ", "begin 644 x\n",
            "x-uuencode", "From ", "johab", "hz", "utf-16", "=?iso-2022-kr?b?", "\x1b$B", "text/rfc822-headers", "Wed, 99 Foo 2024 25:61:61 -9999", "References: ", "Subject: ",
        ]), 0..120),
        max_inline in 0_usize..9,
        max_depth in 0_usize..4,
        max_parts in 0_usize..9,
    ) {
        let limits = ParseLimits::default()
.with_max_inline(max_inline)
.with_max_depth(max_depth)
.with_max_parts(max_parts);
        check(pieces.concat().into(), &limits);
    }
}
