//! Messages as independent parsers read them.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use koukan_core::{blob::BlobPool, body::Body, message::builder::Composition};
use mail_parser::{MessageParser, MimeHeaders};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::json;

use crate::message::{
    any_spec::{any_line, any_spec, any_text},
    check_lines, header_names, now, python, render, spec,
};

/// Fields with a grammar of their own, as Python reads them.
#[test]
fn python_reads_structured_fields() {
    let json = json!({"headers": [
        ["resent-to", "Jörg, K <j@x.org>"],
        ["resent-from", [{"display_name": "Ä B", "address": "a@x.org"}]],
        ["list-id", "Grüße an alle <list.example.com>"],
        ["list-unsubscribe", format!("<https://x.org/{}>, <mailto:a@x.org>", "a".repeat(200))],
        ["disposition-notification-to", "Ü <u@x.org>"],
    ]});
    let message = render(&json, &vec![]);
    check_lines(&message);
    assert!(message.is_ascii());
    let described = &python::describe([&message[..]])[0];
    assert_eq!(described["defects"], json!([]));
    let headers = described["headers"].as_array().unwrap();
    let said = json["headers"].as_array().unwrap();
    for (header, said) in headers.iter().zip(said) {
        let expected = match said[0].as_str().unwrap() {
            "resent-to" => "\"Jörg, K\" <j@x.org>",
            "resent-from" => "Ä B <a@x.org>",
            _ => said[1].as_str().unwrap(),
        };
        assert_eq!(header[1], expected);
    }
}

proptest! {
    #[test]
    fn whatever_is_said_is_read_by_others((json, blobs) in any_spec()) {
        let message = render(&json, &blobs);
        check_lines(&message);
        // No header fields other than the requested ones.
        let mut expected: Vec<String> = json["headers"].as_array().unwrap().iter()
            .map(|header| header[0].as_str().unwrap().to_ascii_lowercase())
            .filter(|name| name != "bcc")
            .collect();
        expected.extend(["mime-version".into(), "content-type".into()]);
        let mut names = header_names(&message);
        names.retain(|name| !matches!(&**name, "content-transfer-encoding" | "content-disposition" | "content-id"));
        prop_assert_eq!(names, expected);
        let parsed = MessageParser::default().parse(&message[..]).unwrap();
        let leaves: Vec<_> = parsed.parts.iter().filter(|part| !part.is_multipart()).collect();
        let asked = |key: &str| json[key].as_array().unwrap().clone();
        let count = asked("text_body").len() + asked("related_attachments").len() + asked("file_attachments").len();
        prop_assert_eq!(leaves.len(), count.max(1));
        let files = asked("file_attachments");
        for (file, leaf) in files.iter().rev().zip(leaves.iter().rev()) {
            let expected = match file["content"]["create_id"].as_str() {
                Some(id) => blobs.iter().find(|(other, _)| **other == *id).unwrap().1.clone(),
                None => file["content"]["inline"].as_str().unwrap().to_owned().into(),
            };
            if !file["content_type"].as_str().unwrap().starts_with("text/") {
                prop_assert_eq!(leaf.contents(), &expected[..]);
            }
            prop_assert_eq!(leaf.content_disposition().unwrap().ctype(), "attachment");
        }
        // The spec contains the same in JSON.
        let read = spec(&json);
        prop_assert_eq!(&read, &spec(&read.to_json()));
    }

    #[test]
    fn chunks_of_blobs_make_no_difference(
        octets in proptest::collection::vec(any::<u8>(), 0..5000),
        length in 1_usize..600,
    ) {
        let json = json!({"text_body": [{"content_type": "image/png", "content": {"create_id": "a"}}]});
        let whole = render(&json, &vec![("a".into(), octets.clone().into())]);
        let in_chunks = now(async {
            let (mut writer, blob) = BlobPool::default().create();
            for chunk in octets.chunks(length) {
                writer.append(Bytes::copy_from_slice(chunk)).await.unwrap();
            }
            writer.finish();
            let composition = Composition::new(Arc::new(spec(&json)), [("a".into(), blob)]).unwrap();
            Body::from(composition).collect(1 << 20).await.unwrap()
        });
        prop_assert_eq!(&whole, &in_chunks);
        let text = std::str::from_utf8(&whole).unwrap();
        let (_, encoded) = text.split_once("\r\n\r\n").unwrap();
        prop_assert_eq!(encoded.replace("\r\n", ""), STANDARD.encode(octets));
    }
}

/// Python removes blanks at the ends, and reduces several in a row.
fn with_single_spaces(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn python_reads_what_was_said() {
    let octets = proptest::collection::vec(any::<u8>(), 0..500);
    let line = || any_line().prop_map(|line| with_single_spaces(&line));
    let strategy = (line(), line(), line(), any_text(), octets);
    let mut runner = TestRunner::deterministic();
    let cases: Vec<_> = (0..300)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    let messages: Vec<_> = cases
        .iter()
        .map(|(subject, name, filename, text, octets)| {
            let filename = format!("x{filename}");
            let json = json!({
                "headers": [["subject", subject],
                    ["to", [{"display_name": name, "address": "a.b@example.com"}, {"address": "c@example.com"}]]],
                "text_body": [{"content_type": "text/plain", "content": {"inline": text}}],
                "file_attachments": [{"content_type": "application/pdf", "filename": filename, "content": {"create_id": "o"}}],
            });
            render(&json, &vec![("o".into(), octets.clone().into())])
        })
        .collect();
    let described = python::describe(messages.iter().map(|message| &message[..]));
    for ((case, message), got) in cases.iter().zip(&messages).zip(described) {
        let (subject, name, filename, text, octets) = case;
        let message = String::from_utf8_lossy(message);
        assert_eq!(got["subject"], **subject, "{message}");
        let to = &got["addresses"]["to"];
        assert_eq!(to[1], json!(["", "c@example.com"]), "{message}");
        assert_eq!(to[0][1], "a.b@example.com", "{message}");
        // Python puts a space between encoded words of a name, which RFC 2047 section 6.2 forbids.
        let without_spaces = |name: &str| name.replace(' ', "");
        let got_name = without_spaces(to[0][0].as_str().unwrap());
        assert_eq!(got_name, without_spaces(name), "{message}");
        assert_eq!(
            got["parts"][1]["filename"],
            format!("x{filename}"),
            "{message}"
        );
        assert_eq!(
            python::content(&got["parts"][0]),
            text.as_bytes(),
            "{message}"
        );
        assert_eq!(python::content(&got["parts"][1]), &octets[..], "{message}");
        assert_eq!(got["defects"], json!([]), "{message}");
    }
}
