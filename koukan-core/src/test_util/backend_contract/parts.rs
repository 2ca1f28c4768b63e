//! Described bodies, and the parts that they name.

use bytes::Bytes;

use crate::{
    blob::BlobId,
    storage::{
        Backend, BackendError, Listing, Search,
        record::{
            BlobContent, BodyKind, NewBody, NewPart, NewTransaction, SessionId, Standing,
            StoredBody,
        },
    },
};

use super::{
    BackendFixture,
    drafts::draft,
    garbage::{collect, collected},
    sample::{delivered, inline, lease_one, plain, read, settlement, stored, time},
};

const DESCRIPTION: &[u8] = br#"{"text_body": []}"#;

fn part(name: &str, octets: &'static [u8]) -> NewPart {
    let body = inline(octets);
    NewPart {
        name: name.into(),
        blob: body.blob,
        len: body.len,
        content: body.content,
    }
}

/// A part that is already stored.
fn again(part: &NewPart) -> NewPart {
    NewPart {
        content: BlobContent::Stored,
        ..part.clone()
    }
}

fn composition(parts: impl Into<Vec<NewPart>>) -> NewTransaction {
    NewTransaction {
        body: Some(NewBody {
            kind: BodyKind::Composition,
            parts: parts.into(),
            ..inline(DESCRIPTION)
        }),
        ..plain()
    }
}

fn names(body: Option<&StoredBody>) -> Vec<&str> {
    let parts = body.into_iter().flat_map(|body| &body.parts);
    parts.map(|part| &*part.name).collect()
}

async fn find_body(backend: &dyn Backend, new: &NewTransaction) -> Option<StoredBody> {
    backend.find(new.id).await.unwrap().unwrap().body
}

async fn assert_gone(backend: &dyn Backend, part: &NewPart) {
    let gone = backend.read_blob(part.blob, 0).await;
    assert!(matches!(gone, Err(BackendError::NoSuchBlob)), "{gone:?}");
}

/// Settles a due transaction for good.
async fn end_one(backend: &dyn Backend) {
    let (session, leased) = lease_one(backend, 0).await;
    let end = settlement(&leased, session, 0, delivered());
    backend.settle(end).await.unwrap();
}

/// The parts of a body come back in order, however the transaction is read, also after a restart; a
/// message has none.
pub async fn finds_the_parts_of_a_composition(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let before = BlobId::random();
    let octets = Bytes::from_static(b"long");
    let appended = backend.append_blob(before, 0, octets, time(0));
    appended.await.unwrap();
    backend.finish_blob(before, 4).await.unwrap();
    let shared = part("ünï \"c\"", b"shared");
    let long = NewPart {
        name: "b".into(),
        blob: before,
        len: 4,
        content: BlobContent::Stored,
    };
    let twice = NewPart {
        name: "a".into(),
        ..shared.clone()
    };
    let new = composition([shared.clone(), long, twice]);
    backend.insert(new.clone()).await.unwrap();
    let message = NewTransaction {
        created: time(-5),
        ..plain()
    };
    backend.insert(message.clone()).await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    let body = find_body(&*backend, &new).await.unwrap();
    assert_eq!(body.kind, BodyKind::Composition);
    assert_eq!(names(Some(&body)), ["ünï \"c\"", "b", "a"]);
    let octets = [&b"shared"[..], b"long", b"shared"];
    for (part, octets) in body.parts.iter().zip(octets) {
        assert_eq!(read(&*backend, part.blob, part.len).await, octets);
    }
    assert_eq!(read(&*backend, body.blob, body.len).await, DESCRIPTION);
    let plain_body = find_body(&*backend, &message).await.unwrap();
    assert_eq!(plain_body.kind, BodyKind::Message);
    assert!(plain_body.parts.is_empty());

    let listing = Listing {
        sender: Some("submission".into()),
        state: None,
        search: Search::default(),
        before: None,
        limit: 10,
    };
    let listed = backend.list(listing).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|one| one.body.unwrap()).collect();
    assert_eq!(listed, [body.clone(), plain_body]);
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let leased = backend
        .lease_due(session, time(0), Standing::Clear, 10, &[])
        .await
        .unwrap();
    let leased = leased.iter().find(|leased| leased.transaction.id == new.id);
    assert_eq!(leased.unwrap().transaction.body, Some(body));
}

/// A part that is said to be stored must exist, be finished, and have that length. Otherwise
/// nothing is written.
pub async fn checks_stored_parts(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let good = part("a", b"abc");
    backend.insert(composition([good.clone()])).await.unwrap();
    let missing = NewPart {
        blob: BlobId::random(),
        ..again(&good)
    };
    let longer = NewPart {
        len: 4,
        ..again(&good)
    };
    let odd = NewPart {
        len: 9,
        ..part("b", b"xyz")
    };
    for bad in [missing, longer, odd] {
        let new = composition([again(&good), bad]);
        let result = backend.insert(new.clone()).await;
        assert!(
            matches!(result, Err(BackendError::NoSuchBlob)),
            "{result:?}"
        );
        assert!(backend.find(new.id).await.unwrap().is_none());
    }
    backend.insert(composition([again(&good)])).await.unwrap();
}

/// A part stays while one transaction that refers to it, as part or as body, is not final; final
/// ones then lack it.
pub async fn keeps_a_part_while_one_refers_to_it(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let [kept, lost] = [part("kept", b"kept"), part("lost", b"lost")];
    let first = composition([lost.clone(), kept.clone()]);
    backend.insert(first.clone()).await.unwrap();
    assert_eq!(collect(&*backend, 200).await, collected(0, 0));
    end_one(&*backend).await;

    // A later one takes over a part from a final one; another one has that part as its body.
    let second = composition([again(&kept)]);
    backend.insert(second.clone()).await.unwrap();
    let description = first.body.clone().unwrap();
    let held = NewTransaction {
        body: Some(stored(description.blob, description.len)),
        status: draft(900).status,
        ..plain()
    };
    backend.insert(held.clone()).await.unwrap();
    assert_eq!(collect(&*backend, 200).await, collected(0, 1));
    assert_gone(&*backend, &lost).await;
    let body = find_body(&*backend, &first).await;
    assert_eq!(names(body.as_ref()), ["kept"]);

    end_one(&*backend).await;
    // Its own description and the part.
    assert_eq!(collect(&*backend, 200).await, collected(0, 2));
    assert_gone(&*backend, &kept).await;
    assert_eq!(find_body(&*backend, &second).await, None);
    let body = find_body(&*backend, &first).await.unwrap();
    assert!(body.parts.is_empty());
    assert_eq!(read(&*backend, body.blob, body.len).await, DESCRIPTION);

    let as_body = part("", b"a part that is another's body");
    let inserted = backend.insert(composition([as_body.clone()])).await;
    inserted.unwrap();
    let message = NewTransaction {
        body: Some(stored(as_body.blob, as_body.len)),
        status: draft(900).status,
        ..plain()
    };
    backend.insert(message).await.unwrap();
    end_one(&*backend).await;
    assert_eq!(collect(&*backend, 200).await, collected(0, 1));
    read(&*backend, as_body.blob, as_body.len).await;
}

/// A draft's parts are kept, and replaced when it is completed.
pub async fn replaces_the_parts_of_a_draft(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let [old, kept, new] = [part("old", b"1"), part("kept", b"2"), part("new", b"3")];
    let draft = NewTransaction {
        status: draft(900).status,
        ..composition([old.clone(), kept.clone()])
    };
    backend.insert(draft.clone()).await.unwrap();
    assert_eq!(collect(&*backend, 200).await, collected(0, 0));
    let more = NewTransaction {
        id: draft.id,
        status: draft.status.clone(),
        ..composition([again(&kept), new.clone()])
    };
    backend.complete(more.clone()).await.unwrap();
    let body = find_body(&*backend, &draft).await;
    assert_eq!(names(body.as_ref()), ["kept", "new"]);
    // The first description and the first part.
    assert_eq!(collect(&*backend, 200).await, collected(0, 2));
    assert_gone(&*backend, &old).await;
    let whole = NewTransaction {
        id: draft.id,
        ..plain()
    };
    backend.complete(whole).await.unwrap();
    let body = find_body(&*backend, &draft).await.unwrap();
    assert_eq!((body.kind, body.parts), (BodyKind::Message, vec![]));
    assert_eq!(collect(&*backend, 200).await, collected(0, 3));
}

/// The parts of a transaction that is removed leave nothing behind.
pub async fn removes_parts_with_their_transaction(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let finished = NewTransaction {
        status: delivered(),
        ..composition([part("a", b"1"), part("b", b"2")])
    };
    backend.insert(finished.clone()).await.unwrap();
    assert_eq!(collect(&*backend, 2000).await, collected(1, 3));
    let unlike = NewTransaction {
        id: finished.id,
        ..composition([part("c", b"3")])
    };
    backend.insert(unlike.clone()).await.unwrap();
    let body = find_body(&*backend, &unlike).await;
    assert_eq!(names(body.as_ref()), ["c"]);
}
