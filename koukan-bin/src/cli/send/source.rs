//! The source of a transaction's message.

use std::path::PathBuf;

use bytes::Bytes;
use koukan_core::resource::{BodySource, Location};
use serde_json::{Value, json};

/// What to create, and what to upload for it.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The whole message in a file.
    Eml(PathBuf),
    /// The whole message, as it was read from standard input.
    Read(Bytes),
    /// A message that was already uploaded.
    Uploaded(Location),
    /// A description, and the file for each `create_id`.
    Builder {
        spec: Value,
        files: Vec<(String, PathBuf)>,
    },
}

/// One upload.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The `create_id`; `None` for the whole message.
    pub(super) id: Option<String>,
    pub(super) content: Content,
}

/// Where the octets of an upload come from.
#[derive(Debug, Clone)]
pub(super) enum Content {
    File(PathBuf),
    Octets(Bytes),
}

impl Source {
    /// The body with which to create a transaction; `None` if the whole message is uploaded.
    pub(super) fn body(&self) -> Option<BodySource> {
        match self {
            Self::Eml(_) | Self::Read(_) => None,
            Self::Uploaded(uri) => Some(BodySource::Reuse(uri.clone())),
            Self::Builder { spec, .. } => Some(BodySource::MessageBuilder(spec.clone())),
        }
    }

    /// What is uploaded afterwards.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let whole = |content| vec![Piece { id: None, content }];
        match self {
            Self::Eml(path) => whole(Content::File(path.clone())),
            Self::Read(octets) => whole(Content::Octets(octets.clone())),
            Self::Uploaded(_) => Vec::new(),
            Self::Builder { files, .. } => {
                let piece = |(id, path): &(String, PathBuf)| Piece {
                    id: Some(id.clone()),
                    content: Content::File(path.clone()),
                };
                files.iter().map(piece).collect()
            }
        }
    }

    /// The same message for further recipients, once its pieces were uploaded to these places.
    pub(super) fn shared(mut self, places: &[(Option<String>, Location)]) -> Self {
        for (id, uri) in places {
            match (&mut self, id) {
                (Self::Builder { spec, files }, Some(id)) => {
                    share(spec, id, uri);
                    files.retain(|(other, _)| other != id);
                }
                _ => return Self::Uploaded(uri.clone()),
            }
        }
        self
    }
}

fn share(spec: &mut Value, id: &str, uri: &Location) {
    for list in ["text_body", "related_attachments", "file_attachments"] {
        let parts = spec.get_mut(list).and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            if part["content"]["create_id"] == id {
                part["content"] = json!({"reuse_uri": uri.as_str()});
            }
        }
    }
}
