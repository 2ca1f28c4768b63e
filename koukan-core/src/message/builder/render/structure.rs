//! The structure of parts.

use std::{collections::VecDeque, iter, mem};

use bytes::Bytes;

use crate::{blob::Blob, message::base64_lines::Base64Lines};

use super::{
    super::{
        Composition,
        boundary::Boundaries,
        spec::{Content, Part},
    },
    Segment,
    field::Field,
    header, parameter,
    text::{self, TextBlob},
    verbatim::Verbatim,
};

/// Lays out a message.
pub(super) fn segments(composition: &Composition) -> VecDeque<Segment> {
    let spec = composition.spec();
    let header = header::fields(spec);
    let mut writer = Writer {
        composition,
        boundaries: Boundaries::of(spec, &header),
        text: header,
        segments: VecDeque::new(),
        is_one_part: false,
    };
    writer.text.push_str("MIME-Version: 1.0\r\n");
    match tree(composition) {
        Some(root) => {
            writer.is_one_part = matches!(root, Node::Leaf(..));
            writer.node(&root);
        }
        None => writer
            .text
            .push_str("Content-Type: text/plain; charset=utf-8\r\n\r\n"),
    }
    // Every line has an end, including the last one of a text that is the whole message.
    if !writer.text.is_empty() && !writer.text.ends_with("\r\n") {
        writer.text.push_str("\r\n");
    }
    writer.flush();
    writer.segments
}

/// A part, or parts.
enum Node<'a> {
    Leaf(&'a Part, Disposition),
    Multipart(&'static str, Vec<Node<'a>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Disposition {
    /// The text of the message, which needs no disposition unless it has a file name.
    Body,
    Inline,
    Attachment,
}

fn tree(composition: &Composition) -> Option<Node<'_>> {
    let spec = composition.spec();
    // In the given order: readers take the last one that they support.
    let texts = spec.text_body().iter();
    let texts = texts.map(|part| Node::Leaf(part, Disposition::Body));
    let body = joined("alternative", texts.collect());
    let related = spec.related_attachments().iter();
    let mut mixed = Vec::new();
    match body {
        Some(body) if related.len() == 0 => mixed.push(body),
        Some(body) => {
            let related = related.map(|part| Node::Leaf(part, Disposition::Inline));
            let nodes = iter::once(body).chain(related).collect();
            mixed.push(Node::Multipart("related", nodes));
        }
        None => mixed.extend(related.map(|part| {
            // Otherwise a text part would be taken for the missing text of the message.
            let is_text = part.content_type().is_text();
            let disposition = if is_text {
                Disposition::Attachment
            } else {
                Disposition::Inline
            };
            Node::Leaf(part, disposition)
        })),
    }
    let files = spec.file_attachments().iter();
    mixed.extend(files.map(|part| Node::Leaf(part, Disposition::Attachment)));
    match &mixed[..] {
        // So that a file is not taken for the text, nor an attached message for the outer one.
        [Node::Leaf(part, disposition)]
            if *disposition != Disposition::Body || part.content_type().is_message() =>
        {
            Some(Node::Multipart("mixed", mixed))
        }
        _ => joined("mixed", mixed),
    }
}

/// One node of several, if there are any.
fn joined<'a>(subtype: &'static str, mut nodes: Vec<Node<'a>>) -> Option<Node<'a>> {
    match nodes.len() {
        0 | 1 => nodes.pop(),
        _ => Some(Node::Multipart(subtype, nodes)),
    }
}

impl Node<'_> {
    fn essence(&self) -> String {
        match self {
            Self::Leaf(part, _) => part.content_type().essence().to_owned(),
            Self::Multipart(subtype, _) => format!("multipart/{subtype}"),
        }
    }

    fn is_eight_bit(&self) -> bool {
        match self {
            Self::Leaf(part, _) => part.content_type().is_message(),
            Self::Multipart(_, nodes) => nodes.iter().any(Self::is_eight_bit),
        }
    }
}

struct Writer<'a> {
    composition: &'a Composition,
    boundaries: Boundaries,
    /// The text that follows the segments.
    text: String,
    segments: VecDeque<Segment>,
    /// The message is a single part, which ends at the end of the message.
    is_one_part: bool,
}

impl Writer<'_> {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            let octets = Bytes::from(mem::take(&mut self.text));
            self.segments.push_back(Segment::Octets(octets));
        }
    }

    /// Writes a node, beginning with its `Content-Type`.
    fn node(&mut self, node: &Node<'_>) {
        match node {
            Node::Leaf(part, disposition) => self.leaf(part, *disposition),
            Node::Multipart(subtype, nodes) => self.multipart(subtype, nodes, node.is_eight_bit()),
        }
    }

    fn multipart(&mut self, subtype: &str, nodes: &[Node<'_>], is_eight_bit: bool) {
        let boundary = self.boundaries.another();
        let mut field = Field::new("content-type");
        field.word(&format!("multipart/{subtype}"));
        if let ("related", [root, ..]) = (subtype, nodes) {
            // RFC 2387 section 3.1.
            field
                .append(";")
                .word(&format!("type=\"{}\"", root.essence()));
        }
        field.append(";").word(&format!("boundary=\"{boundary}\""));
        self.text.push_str(&field.finish());
        if is_eight_bit {
            self.text.push_str("Content-Transfer-Encoding: 8bit\r\n");
        }
        for node in nodes {
            self.text.push_str(&format!("\r\n--{boundary}\r\n"));
            self.node(node);
        }
        self.text.push_str(&format!("\r\n--{boundary}--\r\n"));
    }

    fn leaf(&mut self, part: &Part, disposition: Disposition) {
        let content_type = part.content_type();
        let mut field = Field::new("content-type");
        field.word(content_type.essence());
        let inline = part.content().as_inline();
        // Inline text is UTF-8, whatever its charset was before it was put into JSON.
        let is_utf8 = content_type.is_text()
            && (inline.is_some() || content_type.parameter("charset").is_none());
        if is_utf8 {
            field.append(";").word("charset=utf-8");
        }
        for (name, value) in content_type.parameters() {
            if !(is_utf8 && name == "charset") {
                parameter::add(&mut field, name, value);
            }
        }
        self.text.push_str(&field.finish());
        let disposition = match (disposition, part.filename()) {
            (Disposition::Body, None) => None,
            (Disposition::Body | Disposition::Inline, _) => Some("inline"),
            (Disposition::Attachment, _) => Some("attachment"),
        };
        if let Some(disposition) = disposition {
            let mut field = Field::new("content-disposition");
            field.word(disposition);
            if let Some(name) = part.filename() {
                parameter::add(&mut field, "filename", name);
            }
            self.text.push_str(&field.finish());
        }
        if let Some(id) = part.content_id() {
            let mut field = Field::new("content-id");
            field.word(&format!("<{id}>"));
            self.text.push_str(&field.finish());
        }
        self.content(part, disposition == Some("attachment"));
    }

    fn content(&mut self, part: &Part, is_attachment: bool) {
        let content_type = part.content_type();
        match part.content() {
            Content::Inline(inline) if content_type.is_message() => {
                self.encoding("8bit");
                let octets = Bytes::copy_from_slice(inline.as_bytes());
                let blob = Blob::from_bytes(octets);
                self.flush();
                let verbatim = Verbatim::new(self.boundaries.base());
                self.segments
                    .push_back(Segment::Verbatim(blob.reader(), verbatim));
            }
            Content::Inline(inline) => {
                let encoded = match content_type.is_text() {
                    true => text::encode_text(inline),
                    false => text::encode_octets(inline.as_bytes()),
                };
                self.encoding(encoded.encoding);
                match std::str::from_utf8(&encoded.octets) {
                    Ok(text) => self.text.push_str(text),
                    // Every encoding is ASCII.
                    Err(_) => debug_assert!(false, "not ASCII"),
                }
            }
            Content::Octets(octets) => {
                let blob = Blob::from_bytes(octets.clone());
                self.blob(part, &blob, is_attachment);
            }
            Content::CreateId(name) | Content::ReuseUri(name) => {
                match self.composition.parts().get(name) {
                    Some(blob) => self.blob(part, blob, is_attachment),
                    None => debug_assert!(false, "a composition has a blob for each name"),
                }
            }
        }
    }

    fn blob(&mut self, part: &Part, blob: &Blob, is_attachment: bool) {
        let content_type = part.content_type();
        let segment = if content_type.is_message() {
            self.encoding("8bit");
            Segment::Verbatim(blob.reader(), Verbatim::new(self.boundaries.base()))
        } else if content_type.is_text() && content_type.is_utf8() {
            let text = TextBlob::new(is_attachment, self.is_one_part);
            Segment::Text(blob.reader(), text)
        } else {
            self.encoding("base64");
            Segment::Base64(blob.reader(), Base64Lines::default())
        };
        self.flush();
        self.segments.push_back(segment);
    }

    fn encoding(&mut self, encoding: &str) {
        self.text
            .push_str(&format!("Content-Transfer-Encoding: {encoding}\r\n\r\n"));
    }
}
