//! Takes uploads.

use koukan_core::resource::{BlobStatus, Location, Refusal, ResourceResponse, Upload, Uploaded};
use serde_json::Value;

use super::{Fake, Transaction, service::Answer};

impl Fake {
    pub(super) async fn upload(&self, upload: Upload, chunks_max: Option<usize>) -> Answer {
        let Upload { to, range, content } = upload;
        let Some((id, name)) = parse(&to) else {
            return Ok(Refusal::not_found("no such blob").into());
        };
        if range.is_some() {
            return Ok(Refusal::malformed("no ranges here").into());
        }
        let position = {
            let transaction = &mut self.lock().transactions[id];
            transaction
                .uploads
                .push((name.clone(), String::new(), false));
            transaction.uploads.len() - 1
        };
        if chunks_max == Some(0) {
            return Err("the connection broke".into());
        }
        let mut content = match content.into_blob() {
            Ok((prefix, blob)) => {
                if name == "message" {
                    self.lock().transactions[id].is_by_reference = true;
                }
                koukan_core::body::Body::from_blob(prefix, blob)
            }
            Err(content) => content,
        };
        let mut chunks = 0;
        let mut len = 0;
        while let Some(chunk) = content.next().await? {
            len += chunk.len() as u64;
            chunks += 1;
            let text = String::from_utf8(chunk.to_vec()).unwrap();
            self.lock().transactions[id].uploads[position].1 += &text;
            if chunks_max == Some(chunks) {
                return Err("the connection broke".into());
            }
        }
        let mut state = self.lock();
        let script = state.script.clone();
        let transaction = &mut state.transactions[id];
        transaction.uploads[position].2 = true;
        if name == "message" {
            transaction.accept(&script);
        }
        transaction.version += u64::from(!script.is_plain);
        drop(state);
        self.changed();
        Ok(ResourceResponse::Uploaded(Uploaded {
            len,
            total: Some(len),
            finalized: true,
        }))
    }
}

impl Transaction {
    pub(super) fn take_parsed(&mut self, message: Value) {
        let id = &self.create.idempotency_key;
        let ids = message["blobs"].as_array().into_iter().flatten();
        let listed = ids.filter_map(Value::as_str).map(|name| {
            let uri = Location::new(format!("/blobs/{}/{name}", self.id()));
            let finalized = false;
            (name.into(), BlobStatus { uri, finalized })
        });
        let listed: Vec<_> = listed.collect();
        assert!(id.is_some());
        if let Some(builder) = self
            .view
            .body
            .as_mut()
            .and_then(|b| b.message_builder.as_mut())
        {
            builder.blob_status = Some(listed);
        }
        self.parsed = Some(message);
        self.version += 1;
    }

    fn id(&self) -> String {
        let body = self
            .view
            .body
            .as_ref()
            .and_then(|body| body.blob_status.as_ref());
        let uri = body.unwrap().uri.as_str();
        uri.split('/').nth(2).unwrap().into()
    }
}

/// The transaction and the name of the blob.
fn parse(to: &Location) -> Option<(usize, String)> {
    let mut parts = to.as_str().split('/').skip(1);
    let (place, id, name) = (parts.next()?, parts.next()?, parts.next()?);
    let name = match (place, name) {
        ("elsewhere", "octets") => "message".into(),
        ("blobs", name) => name.into(),
        _ => return None,
    };
    Some((id.parse().ok()?, name))
}
