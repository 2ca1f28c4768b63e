//! Messages taken apart: from RFC 5322 and MIME to JSON and blobs.
//!
//! [`parse`] never fails: whatever cannot be made sense of is left as it is. What it makes has two
//! views of one message, and the name of a blob means the same in both:
//!
//! - `parts`, the MIME tree: each node has `content_type`, all `headers`, and either `parts` or
//!   `content`. Structured header fields are parsed: addresses, ids, dates; `content-type` and
//!   `content-disposition` are `["type/subtype", {parameters}]`. A field that is not what it should
//!   be is a string. Names are in lower case.
//! - `headers`, `text_body`, `related_attachments`, `file_attachments`: the same as a
//!   [`Spec`](super::builder::Spec), of which the message could have been built. Only what a builder
//!   accepts is there: a malformed address, a second `Subject` and the MIME fields are not.
//!
//! Contents:
//!
//! - Transfer encodings are undone, also where they are malformed, as far as it goes.
//! - Text that is shown (neither said to be an attachment nor a file with a name) is converted to
//!   UTF-8: inline up to [`ParseLimits::max_inline`] octets, else a blob. Without a charset, or with
//!   an unknown one, text that is not UTF-8 is taken for windows-1252.
//! - Attachments keep their octets, and text among them its `charset`; they are inline only where a
//!   builder makes the same octets of that.
//! - The text is the first alternative of bodies; further texts of a multipart/mixed are file
//!   attachments.
//! - An attached message, and any other message/*, is one opaque part, so that it stays the same
//!   octet by octet. So is what is nested deeper than the limit, and what remains when there are
//!   too many parts.
//!
//! # Example
//!
//! ```
//! use koukan_core::message::{builder::Spec, parser::{ParseLimits, parse}};
//!
//! let message = "From: Alice <alice@example.com>\r\nSubject: hi\r\n\r\nhello\r\n";
//! let mut parsed = parse(message.into(), &ParseLimits::default());
//! assert_eq!(parsed.json["headers"][1][1], "hi");
//! assert_eq!(parsed.json["text_body"][0]["content"]["inline"], "hello\r\n");
//! parsed.json.as_object_mut().unwrap().remove("parts");
//! assert!(Spec::from_json(&parsed.json).is_ok());
//! ```

mod address;
mod charset;
mod encoded_word;
mod entity;
mod fields;
mod flatten;
mod multipart;
mod parameters;
mod transfer;
mod tree;

use bytes::Bytes;
use serde_json::Value;

/// What [`parse`] makes of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedMessage {
    /// The message as JSON; see the [module documentation](self).
    pub json: Value,
    /// The contents that the JSON names with `create_id`, each once, in the order of the message.
    pub blobs: Vec<(Box<str>, Bytes)>,
}

/// How much of a message is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseLimits {
    /// Octets of a text that is put into the JSON, at most.
    pub max_inline: usize,
    /// Multiparts within each other, at most; never more than 50.
    pub max_depth: usize,
    /// Parts, multiparts among them, at most; what remains is one more. Never more than
    /// [`MAX_PARTS`](super::builder::MAX_PARTS).
    pub max_parts: usize,
}

impl Default for ParseLimits {
    /// 1024 octets inline, 20 levels, 1000 parts.
    fn default() -> Self {
        Self {
            max_inline: 1024,
            max_depth: 20,
            max_parts: super::builder::MAX_PARTS,
        }
    }
}

/// Takes a message apart.
///
/// *Shape*: CRLF line ends, not dot-stuffed; LF alone will do. Blobs share the octets of `message`
/// where nothing had to be decoded.
pub fn parse(message: Bytes, limits: &ParseLimits) -> ParsedMessage {
    let (root, blobs) = tree::grow(message, limits);
    ParsedMessage {
        json: flatten::json(root),
        blobs,
    }
}
