//! The MIME tree.

use std::{borrow::Cow, iter};

use bytes::Bytes;
use serde_json::Value;

use super::{
    super::{
        builder::{MAX_INLINE_OCTETS, MAX_PARTS},
        token::is_media_type,
    },
    ParseLimits, charset, delivery_status,
    entity::Entity,
    multipart::{self, Split},
    parameters::WithParameters,
    transfer::TransferEncoding,
};

/// The maximum depth to which nested multiparts and attached messages are parsed, whatever the limits
/// say: each is a level of the JSON, whose readers have limits too.
///
/// *Shape*: the largest effective value of [`ParseLimits::max_depth`](super::ParseLimits::max_depth).
pub const MAX_DEPTH: usize = 50;
/// The maximum number of octets of header fields in all parsed entities.
const MAX_HEADER_OCTETS: usize = 4 << 20;
/// The type of a part that is not parsed.
const OPAQUE: &str = "application/octet-stream";

/// A message or a part of one.
pub(super) struct Node {
    pub(super) content_type: WithParameters,
    pub(super) disposition: Option<WithParameters>,
    pub(super) content_id: Option<String>,
    /// `[name, value]` pairs.
    pub(super) headers: Vec<Value>,
    pub(super) content: Content,
    pub(super) around: Around,
    /// The blob with the original octets of a text, if they contain characters that its charset
    /// lacks.
    pub(super) original: Option<Box<str>>,
    /// The content of a message/delivery-status.
    pub(super) delivery_status: Option<Value>,
    /// The parsed message, if the part is a message or the header of one.
    pub(super) message: Option<Box<Node>>,
}

/// Text of a message that belongs to none of its parts.
#[derive(Default)]
pub(super) struct Around {
    /// The text after the delimiter before the part.
    pub(super) padding: Option<String>,
    /// A first line `From …` before the header section.
    pub(super) mbox_from: Option<String>,
    /// The text before the first part, or before the encoded text.
    pub(super) preamble: Option<String>,
    /// The text after the last part, or after the encoded text.
    pub(super) epilogue: Option<String>,
}

pub(super) enum Content {
    Parts(Vec<Node>),
    Inline(String),
    /// The name of a blob, and whether its text was converted to UTF-8.
    Blob {
        id: Box<str>,
        is_utf8: bool,
    },
}

/// Parses a message.
pub(super) fn grow(message: Bytes, limits: &ParseLimits) -> (Node, Vec<(Box<str>, Bytes)>) {
    let mut growing = Growing {
        max_inline: limits.max_inline,
        max_depth: limits.max_depth.min(MAX_DEPTH),
        // Each level may add three parts: the rest, and the text around the parts.
        parts_left: limits.max_parts.clamp(1, MAX_PARTS - 3 * MAX_DEPTH),
        inline_left: MAX_INLINE_OCTETS,
        headers_left: MAX_HEADER_OCTETS,
        blobs: Vec::new(),
        is_within: false,
    };
    let mut root = growing.node(message, "text/plain", 0);
    // The parts of the message come first; attached messages share the remaining limits.
    growing.look_within(&mut root, 0);
    (root, growing.blobs)
}

impl Node {
    /// The file name of the part.
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

    /// Whether it is declared to be an attachment.
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
    /// What is being parsed is in an attached message.
    is_within: bool,
}

impl Growing {
    fn node(&mut self, octets: Bytes, default_type: &str, depth: usize) -> Node {
        let entity = Entity::split(octets, self.headers_left);
        self.headers_left = self.headers_left.saturating_sub(entity.header_octets());
        let field = |name| entity.field(name);
        let content_type = field("content-type").map(|field| field.with_parameters());
        let mut node = Node {
            content_type: content_type.unwrap_or_default(),
            disposition: field("content-disposition").map(|field| field.with_parameters()),
            content_id: field("content-id").map(|field| field.line()),
            headers: entity.fields.iter().map(|field| field.to_json()).collect(),
            content: Content::Parts(Vec::new()),
            around: Around::default(),
            original: None,
            delivery_status: None,
            message: None,
        };
        node.around.mbox_from = entity.mbox_from.as_deref().map(text);
        if !is_media_type(&node.content_type.value) {
            node.content_type.value = default_type.to_owned();
        }
        if entity.is_cut {
            // The rest of the header would be taken for content.
            node.content_type = WithParameters::default();
            node.content_type.value = OPAQUE.into();
            node.content = self.blob(entity.body);
            return node;
        }
        let encodings = entity.all("content-transfer-encoding");
        let encoding = TransferEncoding::of(encodings.map(|field| field.line()));
        if node.content_type.value.starts_with("multipart/") {
            self.multipart(&mut node, entity.body, encoding, depth);
        } else {
            self.leaf(&mut node, entity.body, encoding, depth);
        }
        node
    }

    /// Parses a multipart; one in which no part begins stays as it is.
    fn multipart(
        &mut self,
        node: &mut Node,
        body: Bytes,
        encoding: TransferEncoding,
        depth: usize,
    ) {
        if depth < self.max_depth && self.parts_left >= 2 {
            // It must not be encoded (RFC 2045 section 6.4), but some are.
            let decoded = iter::once_with(|| encoding.decode(body.clone()).octets);
            let decoded = decoded.filter(|decoded| *decoded != body);
            let max = self.parts_left - 1;
            for body in iter::once(body.clone()).chain(decoded) {
                let split = |boundary| multipart::split(&body, boundary, max);
                let split = node.content_type.boundaries().find_map(split);
                if let Some(split) = split {
                    return self.parts(node, &body, split, depth);
                }
            }
        }
        node.content = self.blob(body);
    }

    fn parts(&mut self, node: &mut Node, body: &Bytes, split: Split, depth: usize) {
        let default_type = match &*node.content_type.value {
            "multipart/digest" => "message/rfc822",
            _ => "text/plain",
        };
        let max = self.parts_left - 1;
        self.parts_left = max;
        let mut nodes = Vec::with_capacity(split.parts.len());
        let mut epilogue = split.epilogue;
        for (index, part) in split.parts.into_iter().enumerate() {
            // Nested parts count as well.
            let is_rest = index == max || self.parts_left < 2;
            let mut node = match is_rest {
                true => self.opaque(body.slice(part.octets.start..)),
                false => self.node(body.slice(part.octets), default_type, depth + 1),
            };
            let padding = text(&body[part.padding]);
            node.around.padding = Some(padding).filter(|padding| !padding.is_empty());
            nodes.push(node);
            if is_rest {
                epilogue.start = epilogue.end;
                break;
            }
        }
        node.around.preamble = self.beside(&mut nodes, body.slice(split.preamble));
        node.around.epilogue = self.beside(&mut nodes, body.slice(epilogue));
        node.content = Content::Parts(nodes);
    }

    /// The text beside the parts: as text, or as another part if it is too long.
    fn beside(&mut self, nodes: &mut Vec<Node>, octets: Bytes) -> Option<String> {
        if octets.trim_ascii().is_empty() {
            return None;
        }
        let text = charset::decode(None, &octets);
        if self.fits(&text) {
            self.inline_left -= text.len();
            return Some(text.into_owned());
        }
        let node = self.opaque(octets);
        nodes.push(node);
        None
    }

    /// A part that is not parsed.
    fn opaque(&mut self, octets: Bytes) -> Node {
        let value = |value: &str| WithParameters {
            value: value.into(),
            ..WithParameters::default()
        };
        Node {
            content_type: value(OPAQUE),
            disposition: Some(value("attachment")),
            content_id: None,
            headers: Vec::new(),
            content: self.blob(octets),
            around: Around::default(),
            original: None,
            delivery_status: None,
            message: None,
        }
    }

    fn leaf(&mut self, node: &mut Node, body: Bytes, encoding: TransferEncoding, depth: usize) {
        let decoded = encoding.decode(body.clone());
        let mut octets = decoded.octets;
        let beside = [decoded.preamble, decoded.epilogue];
        let [preamble, epilogue] = beside.map(|octets| {
            let is_blank = octets.trim_ascii().is_empty();
            (!is_blank).then(|| charset::decode(None, &octets).into_owned())
        });
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self
            .inline_left
            .checked_sub(length(&preamble) + length(&epilogue))
        {
            Some(left) => {
                self.inline_left = left;
                (node.around.preamble, node.around.epilogue) = (preamble, epilogue);
            }
            // Nothing is lost: all of it is kept as content.
            None => octets = body,
        }
        if delivery_status::is(&node.content_type.value) && octets.len() <= self.inline_left {
            node.delivery_status = delivery_status::parse(&octets);
            self.inline_left -= octets.len();
        }
        if self.is_within && self.can_look_into(node, depth) {
            // Its octets are part of a message that already exists as a blob.
            node.message = Some(self.node(octets, "text/plain", depth + 1).into());
            return;
        }
        node.content = self.content(node, octets);
    }

    fn content(&mut self, node: &mut Node, octets: Bytes) -> Content {
        let content_type = &node.content_type;
        if !content_type.value.starts_with("text/") {
            return self.blob(octets);
        }
        let charset = content_type.parameter("charset");
        if node.is_file() {
            return match std::str::from_utf8(&octets) {
                Ok(text) if charset::is_utf8(charset) && has_only_crlf(text) && self.fits(text) => {
                    self.inline(text.to_owned())
                }
                _ => self.blob(octets),
            };
        }
        let text = charset::decode(charset, &octets);
        // Octets that were valid text already share it; in others, that character stands for invalid
        // octets.
        let is_lossy =
            matches!(&text, Cow::Owned(text) if text.contains(char::REPLACEMENT_CHARACTER));
        let original = (is_lossy && !self.is_within).then(|| octets.clone());
        // Receivers take an empty inline text for a missing one.
        let content = if self.fits(&text) && !(self.is_within && text.is_empty()) {
            self.inline(text.into_owned())
        } else {
            let octets = match text {
                Cow::Borrowed(text) if text.len() == octets.len() => octets.clone(),
                text => text.into_owned().into(),
            };
            self.parts_left = self.parts_left.saturating_sub(1);
            let (id, is_utf8) = (self.keep(octets), true);
            Content::Blob { id, is_utf8 }
        };
        node.original = original.map(|octets| self.keep(octets));
        content
    }

    /// Also parses attached messages.
    fn look_within(&mut self, node: &mut Node, depth: usize) {
        if let Content::Parts(nodes) = &mut node.content {
            for node in nodes {
                self.look_within(node, depth + 1);
            }
            return;
        }
        if !self.can_look_into(node, depth) {
            return;
        }
        let octets = match &node.content {
            Content::Inline(text) => text.clone().into(),
            Content::Blob { id, .. } => match self.blobs.iter().find(|(other, _)| other == id) {
                Some((_, octets)) => octets.clone(),
                None => return,
            },
            Content::Parts(_) => return,
        };
        self.is_within = true;
        node.message = Some(self.node(octets, "text/plain", depth + 1).into());
        self.is_within = false;
    }

    fn can_look_into(&self, node: &Node, depth: usize) -> bool {
        is_message(&node.content_type.value) && depth < self.max_depth && self.parts_left > 0
    }

    /// Whether a text is to be inline. An empty one is not, since applications take it for missing.
    fn fits(&self, text: &str) -> bool {
        !text.is_empty() && text.len() <= self.max_inline && text.len() <= self.inline_left
    }

    fn inline(&mut self, text: String) -> Content {
        self.parts_left = self.parts_left.saturating_sub(1);
        self.inline_left -= text.len();
        Content::Inline(text)
    }

    fn blob(&mut self, octets: Bytes) -> Content {
        self.parts_left = self.parts_left.saturating_sub(1);
        let (id, is_utf8) = (self.keep(octets), false);
        Content::Blob { id, is_utf8 }
    }

    /// Adds a blob and returns its name.
    fn keep(&mut self, octets: Bytes) -> Box<str> {
        let id: Box<str> = format!("part{}", self.blobs.len() + 1).into();
        self.blobs.push((id.clone(), octets));
        id
    }
}

/// Octets outside the content, as text.
fn text(octets: &[u8]) -> String {
    charset::one_line(&charset::decode(None, octets))
}

/// Whether it is a message, or the header of one, that can be parsed.
fn is_message(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/rfc822"
            | "message/global"
            | "message/news"
            | "text/rfc822-headers"
            | "text/rfc822-header"
            | "message/rfc822-headers"
            | "message/global-headers"
    )
}

/// Whether all line ends are CRLF, and there are no other CRs or LFs.
fn has_only_crlf(text: &str) -> bool {
    !text.replace("\r\n", "").contains(['\r', '\n'])
}
