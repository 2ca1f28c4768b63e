//! Shared code for the tests of messages.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(dead_code, reason = "not every test uses all of it")]

pub(crate) mod any_spec;
#[path = "../python/mod.rs"]
mod oracle;
pub(crate) mod python;

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use koukan_core::{
    blob::Blob,
    body::{Body, BodyError},
    message::{
        builder::{Composition, Spec},
        parser::ParsedMessage,
    },
};
use serde_json::Value;

pub(crate) type Blobs = Vec<(Box<str>, Bytes)>;

pub(crate) fn spec(json: &Value) -> Spec {
    Spec::from_json(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

pub(crate) fn composition(spec: Spec, blobs: &Blobs) -> Composition {
    let blobs = blobs.iter();
    let blobs = blobs.map(|(id, octets)| (id.clone(), Blob::from_bytes(octets.clone())));
    Composition::new(Arc::new(spec), blobs).unwrap()
}

/// The result of a future that does not wait.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing is waited for")
}

pub(crate) fn try_render(spec: Spec, blobs: &Blobs) -> Result<Bytes, BodyError> {
    now(Body::from(composition(spec, blobs)).collect(usize::MAX))
}

pub(crate) fn render(json: &Value, blobs: &Blobs) -> Bytes {
    try_render(spec(json), blobs).unwrap()
}

/// The part of a message's JSON that a builder accepts.
pub(crate) fn flat(parsed: &ParsedMessage) -> Value {
    let mut json = parsed.json.clone();
    json.as_object_mut().unwrap().remove("parts").unwrap();
    json
}

/// The names in the unfolded header section.
pub(crate) fn header_names(message: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(message);
    let (header, _) = text.split_once("\r\n\r\n").unwrap();
    let lines = header.split("\r\n").filter(|line| !line.starts_with(' '));
    lines
        .map(|line| line.split(':').next().unwrap().to_ascii_lowercase())
        .collect()
}

/// Panics if the octets are not a valid message.
pub(crate) fn check_lines(message: &[u8]) {
    let text = message
        .strip_suffix(b"\r\n")
        .expect("the last line has an end");
    for line in text.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 998, "{} octets", line.len());
        assert!(!line.contains(&b'\r') && !line.contains(&0));
    }
    let count = |wanted| message.iter().filter(|octet| **octet == wanted).count();
    let ends = message.windows(2).filter(|pair| pair == b"\r\n").count();
    assert_eq!((count(b'\r'), count(b'\n')), (ends, ends));
}

/// The messages of `tests/messages`, by name.
pub(crate) fn corpus() -> Vec<(String, Bytes)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut messages: Vec<(String, Bytes)> = files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap().into())
        })
        .collect();
    messages.sort();
    assert!(messages.len() > 25);
    messages
}

pub(crate) fn message(name: &str) -> Bytes {
    let mut messages = corpus().into_iter();
    messages.find(|(other, _)| other == name).unwrap().1
}
