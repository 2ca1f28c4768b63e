//! Message descriptions: whatever the JSON is, an accepted one is rendered without a line that is
//! too long or ends early, and can be parsed to the same description again.

use std::sync::Arc;

use koukan_core::{
    blob::Blob,
    body::Body,
    message::builder::{Composition, Spec},
};
use serde_json::Value;

pub(crate) fn holds(octets: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(octets) else {
        return;
    };
    let mut spec = match Spec::from_json(&json) {
        Ok(spec) => spec,
        Err(error) => {
            assert!(!error.to_string().contains(['\r', '\n', '\0']));
            return;
        }
    };
    assert_eq!(Spec::from_json(&spec.to_json()).as_ref(), Ok(&spec));
    spec.replace_reuse_uris(|_, _| Ok::<_, ()>("reused".into()))
        .expect("all are known");
    let ids: Vec<Box<str>> = spec.create_ids().into_iter().map(Into::into).collect();
    let blobs = ids
        .into_iter()
        .map(|id| (id, Blob::from_bytes("Subject: x\r\n\r\n".into())));
    let composition = Composition::new(Arc::new(spec), blobs).expect("all blobs are there");
    let rendering = Body::from(composition).collect(usize::MAX);
    let message = futures_util::FutureExt::now_or_never(rendering).expect("nothing is awaited");
    let message = message.expect("a spec that was read can be rendered");
    for line in message.split(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(text.len() <= 998 && !text.contains(&b'\r') && !text.contains(&0));
    }
    let count = |wanted| message.iter().filter(|octet| **octet == wanted).count();
    assert_eq!(count(b'\r'), count(b'\n'));
}
