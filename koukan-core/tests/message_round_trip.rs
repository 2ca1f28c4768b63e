//! From a message to JSON and back, and the other way round.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use bytes::Bytes;
use koukan_core::message::{
    builder::Spec,
    parser::{ParseLimits, ParsedMessage, parse},
};
use proptest::prelude::*;
use serde_json::Value;

use self::message::{Blobs, any_spec::any_spec, check_lines, corpus, flat, render};

/// A part with its octets instead of their name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    content_type: String,
    content_id: Option<String>,
    filename: Option<String>,
    octets: Bytes,
}

fn parts(json: &Value, blobs: &Blobs, key: &str) -> Vec<Part> {
    let text = |part: &Value, key: &str| part[key].as_str().map(str::to_owned);
    let parts = json[key].as_array().unwrap().iter();
    let mut parts: Vec<_> = parts
        .map(|part| {
            let content = &part["content"];
            let octets = match text(content, "create_id") {
                Some(id) => blobs
                    .iter()
                    .find(|(other, _)| **other == *id)
                    .unwrap()
                    .1
                    .clone(),
                None => text(content, "inline").unwrap().into(),
            };
            Part {
                content_type: text(part, "content_type").unwrap(),
                content_id: text(part, "content_id"),
                filename: text(part, "filename"),
                octets,
            }
        })
        .collect();
    if key == "text_body" {
        // They are put into the usual order for readers, and their lines have ends.
        for part in &mut parts {
            let text = String::from_utf8_lossy(&part.octets);
            part.octets = text
                .replace("\r\n", "\n")
                .trim_end_matches('\n')
                .to_owned()
                .into();
        }
        parts.sort();
    }
    parts
}

fn same(first: &Value, blobs: &Blobs, again: &ParsedMessage, what: &str) {
    let keys = ["text_body", "related_attachments", "file_attachments"];
    for key in keys {
        let (first, again) = (
            parts(first, blobs, key),
            parts(&again.json, &again.blobs, key),
        );
        assert_eq!(first, again, "{key} of {what}");
    }
}

#[test]
fn messages_of_the_corpus_are_built_again() {
    for (name, message) in corpus() {
        for max_inline in [0, 1024] {
            let limits = ParseLimits::default().with_max_inline(max_inline);
            let parsed = parse(message.clone(), &limits);
            let json = flat(&parsed);
            assert!(
                Spec::from_json(&json).is_ok(),
                "{name}: {:?}",
                Spec::from_json(&json)
            );
            let built = render(&json, &parsed.blobs);
            check_lines(&built);
            let again = parse(built, &limits);
            let mut expected = json["headers"].as_array().unwrap().clone();
            expected.retain(|header| header[0] != "bcc");
            assert_eq!(again.json["headers"], Value::from(expected), "{name}");
            same(&json, &parsed.blobs, &again, &name);
        }
    }
}

proptest! {
    #[test]
    fn what_is_said_is_read_back((json, blobs) in any_spec()) {
        let built = render(&json, &blobs);
        let again = parse(built, &ParseLimits::default());
        let canonical = Spec::from_json(&json).unwrap().to_json();
        for header in canonical["headers"].as_array().into_iter().flatten() {
            let name = header[0].as_str().unwrap().to_ascii_lowercase();
            let mut headers = again.json["headers"].as_array().unwrap().iter();
            let read = headers.find(|header| header[0] == *name);
            match &*name {
                "bcc" => prop_assert!(read.is_none()),
                _ if header[1].is_string() => {
                    // Blanks around a text are not part of it.
                    let text = |value: &Value| value.as_str().unwrap().trim_matches(' ').to_owned();
                    prop_assert_eq!(text(&read.unwrap()[1]), text(&header[1]));
                }
                _ => prop_assert_eq!(&read.unwrap()[1], &header[1]),
            }
        }
        let read = |key: &str| parts(&again.json, &again.blobs, key);
        let said = |key: &str| parts(&json, &blobs, key);
        prop_assert_eq!(read("text_body").len(), said("text_body").len().max(usize::from(said("related_attachments").is_empty() && said("file_attachments").is_empty())));
        let texts = read("text_body");
        for text in json["text_body"].as_array().unwrap().iter().filter_map(|part| part["content"]["inline"].as_str()) {
            let text = text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
            prop_assert!(texts.iter().any(|part| part.octets == text), "{:?}", text);
        }
        let mut files = said("file_attachments");
        if said("text_body").is_empty() {
            // Without a text there is nothing that they are related to.
            files.splice(..0, said("related_attachments"));
        } else {
            for (said, read) in said("related_attachments").iter().zip(read("related_attachments")) {
                prop_assert_eq!(&said.filename, &read.filename);
                prop_assert_eq!(&said.content_id, &read.content_id);
            }
        }
        for (said, read) in files.iter().zip(read("file_attachments")) {
            prop_assert_eq!(&said.filename, &read.filename);
            prop_assert_eq!(&said.octets, &read.octets);
        }
    }
}
