//! The MIME tree.

use bytes::Bytes;
use serde_json::Value;

use super::{
    super::builder::{MAX_INLINE_OCTETS, MAX_PARTS},
    ParseLimits, charset,
    entity::Entity,
    multipart,
    parameters::WithParameters,
    transfer,
};

/// Multiparts within each other, whatever the limits say: readers of JSON have limits too.
const MAX_DEPTH: usize = 50;
/// Octets of header fields in all entities that are kept.
const MAX_HEADER_OCTETS: usize = 4 << 20;

/// A message or a part of one.
pub(super) struct Node {
    pub(super) content_type: WithParameters,
    pub(super) disposition: Option<WithParameters>,
    pub(super) content_id: Option<String>,
    /// `[name, value]` pairs.
    pub(super) headers: Vec<Value>,
    pub(super) content: Content,
}

pub(super) enum Content {
    Parts(Vec<Node>),
    Inline(String),
    /// The name of a blob, and whether text in it was made UTF-8.
    Blob {
        id: Box<str>,
        is_utf8: bool,
    },
}

/// Takes a message apart.
pub(super) fn grow(message: Bytes, limits: &ParseLimits) -> (Node, Vec<(Box<str>, Bytes)>) {
    let mut growing = Growing {
        max_inline: limits.max_inline,
        max_depth: limits.max_depth.min(MAX_DEPTH),
        // At each level there may be one more, which is what remains.
        parts_left: limits.max_parts.clamp(1, MAX_PARTS - MAX_DEPTH),
        inline_left: MAX_INLINE_OCTETS,
        headers_left: MAX_HEADER_OCTETS,
        blobs: Vec::new(),
    };
    let root = growing.node(message, "text/plain", 0);
    (root, growing.blobs)
}

impl Node {
    /// The name of the file it is.
    pub(super) fn filename(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref();
        disposition
            .and_then(|disposition| disposition.parameter("filename"))
            .or_else(|| self.content_type.parameter("name"))
            .filter(|name| !name.trim().is_empty())
    }

    /// Whether it is a file rather than something to be shown.
    pub(super) fn is_file(&self) -> bool {
        self.is_attachment() || self.filename().is_some()
    }

    /// Whether it says that it is one.
    pub(super) fn is_attachment(&self) -> bool {
        let disposition = self.disposition.as_ref();
        disposition.is_some_and(|disposition| disposition.value == "attachment")
    }
}

struct Growing {
    max_inline: usize,
    max_depth: usize,
    parts_left: usize,
    inline_left: usize,
    headers_left: usize,
    blobs: Vec<(Box<str>, Bytes)>,
}

impl Growing {
    fn node(&mut self, octets: Bytes, default_type: &str, depth: usize) -> Node {
        let entity = Entity::split(octets);
        let field = |name| entity.field(name);
        let content_type = field("content-type").map(|field| field.with_parameters());
        let mut node = Node {
            content_type: content_type.unwrap_or_default(),
            disposition: field("content-disposition").map(|field| field.with_parameters()),
            content_id: field("content-id").map(|field| field.line()),
            headers: self.headers(&entity),
            content: Content::Parts(Vec::new()),
        };
        if !is_media_type(&node.content_type.value) {
            node.content_type.value = default_type.to_owned();
        }
        node.content = match self.parts(&node, &entity.body, depth) {
            Some(parts) => Content::Parts(parts),
            None => {
                let encoding = field("content-transfer-encoding").map(|field| field.line());
                self.leaf(&node, entity.body, &encoding.unwrap_or_default())
            }
        };
        node
    }

    fn headers(&mut self, entity: &Entity) -> Vec<Value> {
        let mut headers = Vec::new();
        for field in &entity.fields {
            let octets = field.name.len() + field.value.len();
            match self.headers_left.checked_sub(octets) {
                Some(left) => self.headers_left = left,
                None => break,
            }
            headers.push(field.to_json());
        }
        headers
    }

    /// The parts of a multipart.
    fn parts(&mut self, node: &Node, body: &Bytes, depth: usize) -> Option<Vec<Node>> {
        let subtype = node.content_type.value.strip_prefix("multipart/")?;
        let boundary = node.content_type.parameter("boundary")?;
        if depth >= self.max_depth || self.parts_left < 2 || boundary.is_empty() {
            return None;
        }
        let default_type = match subtype {
            "digest" => "message/rfc822",
            _ => "text/plain",
        };
        let max = self.parts_left - 1;
        let parts = multipart::split(body, boundary, max)?;
        self.parts_left = max;
        let mut nodes = Vec::with_capacity(parts.len());
        for (index, part) in parts.into_iter().enumerate() {
            // Parts of parts count as well.
            if index == max || self.parts_left < 2 {
                nodes.push(self.opaque(body.slice(part.start..)));
                break;
            }
            nodes.push(self.node(body.slice(part), default_type, depth + 1));
        }
        Some(nodes)
    }

    /// What is not looked into.
    fn opaque(&mut self, octets: Bytes) -> Node {
        Node {
            content_type: WithParameters {
                value: "application/octet-stream".into(),
                ..WithParameters::default()
            },
            disposition: None,
            content_id: None,
            headers: Vec::new(),
            content: self.blob(octets, false),
        }
    }

    fn leaf(&mut self, node: &Node, body: Bytes, encoding: &str) -> Content {
        let content_type = &node.content_type;
        if content_type.value.starts_with("multipart/") {
            return self.blob(body, false);
        }
        let octets = transfer::decode(encoding, body);
        if !content_type.value.starts_with("text/") {
            return self.blob(octets, false);
        }
        let charset = content_type.parameter("charset");
        if node.is_file() {
            return match std::str::from_utf8(&octets) {
                Ok(text) if charset::is_utf8(charset) && has_only_crlf(text) && self.fits(text) => {
                    self.inline(text.to_owned())
                }
                _ => self.blob(octets, false),
            };
        }
        let text = charset::decode(charset, &octets);
        match text {
            text if self.fits(&text) => self.inline(text.into_owned()),
            std::borrow::Cow::Borrowed(text) if text.len() == octets.len() => {
                let octets = octets.clone();
                self.blob(octets, true)
            }
            text => self.blob(text.into_owned().into(), true),
        }
    }

    fn fits(&self, text: &str) -> bool {
        text.len() <= self.max_inline && text.len() <= self.inline_left
    }

    fn inline(&mut self, text: String) -> Content {
        self.parts_left = self.parts_left.saturating_sub(1);
        self.inline_left -= text.len();
        Content::Inline(text)
    }

    fn blob(&mut self, octets: Bytes, is_utf8: bool) -> Content {
        self.parts_left = self.parts_left.saturating_sub(1);
        let id: Box<str> = format!("part{}", self.blobs.len() + 1).into();
        self.blobs.push((id.clone(), octets));
        Content::Blob { id, is_utf8 }
    }
}

/// Whether a value is `type/subtype`.
fn is_media_type(value: &str) -> bool {
    let is_token = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    value
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Whether all line ends are CRLF, and no CR or LF is anywhere else.
fn has_only_crlf(text: &str) -> bool {
    !text.replace("\r\n", "").contains(['\r', '\n'])
}
