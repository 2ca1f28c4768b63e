//! Converts the tree to JSON, and to a spec from which a builder could make the message.

use serde_json::{Map, Value, json};

use crate::beginning::beginning;

use super::{
    super::builder::{
        MAX_HEADER_FIELDS, MAX_HEADER_OCTETS, Reader, is_once, read_header, read_media_type,
        read_part,
    },
    tree::{Content, Node},
};

/// The JSON of a message.
pub(super) fn json(root: Node) -> Value {
    let mut flat = Flat::default();
    flat.place(&root, Role::Body, &mut true);
    let mut json = Map::new();
    for (key, values) in [
        ("headers", headers(&root.headers)),
        ("text_body", flat.text_body),
        ("related_attachments", flat.related_attachments),
        ("file_attachments", flat.file_attachments),
    ] {
        json.insert(key.into(), values.into());
    }
    if let Some(status) = delivery_status(&root) {
        json.insert("delivery_status".into(), status.clone());
    }
    json.insert("parts".into(), tree(root));
    json.into()
}

/// The content of the first part that is a delivery status, not counting attached messages.
fn delivery_status(node: &Node) -> Option<&Value> {
    match &node.content {
        Content::Parts(nodes) => nodes.iter().find_map(delivery_status),
        _ => node.delivery_status.as_ref(),
    }
}

fn tree(node: Node) -> Value {
    let mut json = Map::new();
    json.insert("content_type".into(), node.content_type.value.into());
    json.insert("headers".into(), node.headers.into());
    match node.content {
        Content::Parts(nodes) => {
            json.insert("parts".into(), nodes.into_iter().map(tree).collect());
        }
        content => {
            json.insert("content".into(), content.to_json());
        }
    }
    if let Some(id) = node.original {
        json.insert("original".into(), json!({"create_id": id}));
    }
    if let Some(message) = node.message {
        json.insert("parts".into(), json!([tree(*message)]));
    }
    if let Some(status) = node.delivery_status {
        json.insert("delivery_status".into(), status);
    }
    for (key, text) in [
        ("mbox_from", node.around.mbox_from),
        ("padding", node.around.padding),
        ("preamble", node.around.preamble),
        ("epilogue", node.around.epilogue),
    ] {
        if let Some(text) = text {
            json.insert(key.into(), text.into());
        }
    }
    json.into()
}

impl Content {
    fn to_json(&self) -> Value {
        match self {
            Self::Inline(text) => json!({"inline": text}),
            Self::Blob { id, .. } => json!({"create_id": id}),
            Self::Parts(_) => Value::Null,
        }
    }
}

/// The header fields that a builder accepts.
fn headers(all: &[Value]) -> Vec<Value> {
    let mut octets = 0;
    let mut accepted: Vec<Value> = Vec::new();
    for header in all {
        let header = acceptable(header);
        let Ok(read) = read_header(&Reader::root(&header)) else {
            continue;
        };
        octets += read.size();
        let name = &header[0];
        let is_again = is_once(read.name()) && accepted.iter().any(|other| other[0] == *name);
        if octets > MAX_HEADER_OCTETS || accepted.len() == MAX_HEADER_FIELDS {
            break;
        }
        if !is_again {
            accepted.push(header);
        }
    }
    accepted
}

/// A header field without the values for which a builder would refuse it.
fn acceptable(header: &Value) -> Value {
    let mut header = header.clone();
    let name = header[0].as_str().unwrap_or_default().to_owned();
    if let Some(list) = header[1].as_array_mut() {
        // Each address or id is checked separately.
        list.retain(|element| read_header(&Reader::root(&json!([name, [element]]))).is_ok());
        if matches!(&*name, "sender" | "message-id") {
            list.truncate(1);
        }
    }
    header
}

#[derive(Default)]
struct Flat {
    text_body: Vec<Value>,
    related_attachments: Vec<Value>,
    file_attachments: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Body,
    Related,
}

impl Flat {
    /// Places the leaves of a node. `is_open` says that there is no text yet to which the node
    /// could be an addition.
    fn place(&mut self, node: &Node, role: Role, is_open: &mut bool) {
        let Content::Parts(nodes) = &node.content else {
            return self.leaf(node, role, is_open);
        };
        match &*node.content_type.value {
            "multipart/alternative" if *is_open => {
                for node in nodes {
                    self.place(node, role, &mut true);
                }
                *is_open = false;
            }
            "multipart/related" if role == Role::Body => {
                let root = root(node, nodes);
                for (index, node) in nodes.iter().enumerate() {
                    match index == root {
                        true => self.place(node, Role::Body, is_open),
                        false => self.place(node, Role::Related, &mut false),
                    }
                }
            }
            _ => {
                for node in nodes {
                    self.place(node, role, is_open);
                }
            }
        }
    }

    fn leaf(&mut self, node: &Node, role: Role, is_open: &mut bool) {
        let is_text = node.content_type.value.starts_with("text/") && !node.is_file();
        let list = if role == Role::Body && is_text && *is_open {
            *is_open = false;
            &mut self.text_body
        } else if role == Role::Related && (node.content_id.is_some() || !node.is_attachment()) {
            &mut self.related_attachments
        } else {
            &mut self.file_attachments
        };
        list.push(part(node));
    }
}

/// The part of a multipart/related to which the others belong: RFC 2387 section 3.2.
fn root(node: &Node, nodes: &[Node]) -> usize {
    let start = node.content_type.parameter("start").map(bare);
    let is_start = |node: &Node| start.is_some() && node.content_id.as_deref().map(bare) == start;
    nodes.iter().position(is_start).unwrap_or(0)
}

fn bare(id: &str) -> &str {
    let id = id.trim();
    let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    inner.unwrap_or(id)
}

/// A leaf as a part that a builder accepts.
fn part(node: &Node) -> Value {
    let mut part = Map::new();
    part.insert("content_type".into(), content_type(node).into());
    part.insert("content".into(), node.content.to_json());
    let optional = [
        ("content_id", node.content_id.as_deref().map(bare)),
        (
            "filename",
            node.filename().map(|name| beginning(name, 1024)),
        ),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            part.insert(key.into(), value.into());
            let json = Value::Object(part);
            let is_fine = read_part(&Reader::root(&json)).is_ok();
            part = match json {
                Value::Object(part) => part,
                _ => Map::new(),
            };
            if !is_fine {
                part.remove(key);
            }
        }
    }
    part.into()
}

/// The media type with the parameters that still apply, as far as a builder accepts them.
fn content_type(node: &Node) -> String {
    let is_utf8 = match node.content {
        Content::Blob { is_utf8, .. } => is_utf8,
        _ => true,
    };
    let mut text = node.content_type.value.clone();
    for (name, value) in &node.content_type.parameters {
        let is_moot = match &**name {
            "name" | "boundary" => true,
            // A builder writes that anyway.
            "charset" => is_utf8 || value.eq_ignore_ascii_case("utf-8"),
            _ => false,
        };
        if !is_moot {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            text.push_str(&format!("; {name}=\"{value}\""));
        }
    }
    let bare = &*node.content_type.value;
    for text in [&*text, bare] {
        if let Ok(read) = read_media_type(&Reader::root(&text.into())) {
            return read.to_string();
        }
    }
    "application/octet-stream".into()
}
