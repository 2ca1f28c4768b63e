//! Messages: for any message, the tree names all blobs and the lists name some of them; and if a
//! builder accepts the result, it can be built and parsed again.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    body::Body,
    message::{
        builder::{Composition, Spec},
        parser::{ParseLimits, parse},
    },
};
use serde_json::Value;

fn names(json: &Value, names: &mut BTreeSet<String>) {
    match json {
        Value::Object(object) => {
            names.extend(
                object
                    .get("create_id")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            object.values().for_each(|value| self::names(value, names));
        }
        Value::Array(array) => array.iter().for_each(|value| self::names(value, names)),
        _ => {}
    }
}

pub(crate) fn holds(octets: &[u8]) {
    let [max_inline, max_depth, max_parts, octets @ ..] = octets else {
        return;
    };
    let limits = ParseLimits::default()
        .with_max_inline(usize::from(*max_inline))
        .with_max_depth(usize::from(*max_depth))
        .with_max_parts(usize::from(*max_parts));
    let mut parsed = parse(Bytes::copy_from_slice(octets), &limits);
    let tree = parsed
        .json
        .as_object_mut()
        .and_then(|json| json.remove("parts"));
    let (mut in_tree, mut in_lists) = (BTreeSet::new(), BTreeSet::new());
    names(&tree.expect("a tree"), &mut in_tree);
    names(&parsed.json, &mut in_lists);
    // Those of attached messages are only in the tree.
    assert!(in_lists.is_subset(&in_tree));
    assert_eq!(in_tree.len(), parsed.blobs.len());

    let Ok(spec) = Spec::from_json(&parsed.json) else {
        panic!("not accepted: {}", parsed.json);
    };
    let blobs = parsed.blobs.into_iter();
    let blobs = blobs.map(|(id, octets)| (id, Blob::from_bytes(octets)));
    let composition = Composition::new(Arc::new(spec), blobs).expect("all blobs are there");
    let mut body = Body::from(composition);
    let rendering = async {
        let mut message = Vec::new();
        while let Some(chunk) = body.next().await? {
            message.extend_from_slice(&chunk);
        }
        Ok::<_, koukan_core::body::BodyError>(message)
    };
    // What is attached as a message may not be a valid one.
    if let Some(Ok(message)) = futures_util::FutureExt::now_or_never(rendering) {
        parse(message.into(), &limits);
    }
}
