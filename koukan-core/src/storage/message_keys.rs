//! Which transactions in a commit carry the same octets.

use std::{collections::HashMap, iter};

use super::record::{BodyKind, MessageKey, NewBody};

/// A key for each body: the same key for bodies with the same octets, none for a body that is unique.
///
/// The legs of a message share its blob, so only the octets before it are compared.
pub(super) fn same_message(bodies: &[NewBody]) -> Vec<Option<MessageKey>> {
    // The usual case costs nothing.
    if bodies.len() < 2 {
        return bodies.iter().map(|_| None).collect();
    }
    let mut keys: Vec<_> = iter::repeat_n(None, bodies.len()).collect();
    let mut first = HashMap::with_capacity(1);
    for (index, body) in bodies.iter().enumerate() {
        // The result of a composition depends on its parts as well.
        if body.kind != BodyKind::Message {
            continue;
        }
        let equal = *first.entry((body.blob, &body.prefix)).or_insert(index);
        if equal != index {
            let key: &mut Option<_> = &mut keys[equal];
            keys[index] = Some(*key.get_or_insert_with(MessageKey::random));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{blob::BlobId, storage::record::BlobContent};

    use super::*;

    #[test]
    fn what_has_the_same_octets_has_a_key_in_common() {
        let (one, other) = (BlobId::random(), BlobId::random());
        let body = |blob, prefix: &'static str| NewBody {
            prefix: Bytes::from_static(prefix.as_bytes()),
            ..NewBody::message(blob, 3, BlobContent::Stored)
        };
        let composition = NewBody {
            kind: BodyKind::Composition,
            ..body(one, "")
        };
        let keys = same_message(&[
            body(one, ""),
            body(other, ""),
            body(one, "Received: x\r\n"),
            body(one, ""),
            composition.clone(),
            body(other, ""),
            composition,
            body(one, ""),
        ]);
        assert!(keys[0].is_some() && keys[1].is_some());
        assert_ne!(keys[0], keys[1]);
        let [first, second] = [keys[0], keys[1]];
        let expected = [first, second, None, first, None, second, None, first];
        assert_eq!(keys, expected);
        assert_eq!(same_message(&[body(one, "")]), [None]);
        assert_eq!(same_message(&[]), []);
    }
}
