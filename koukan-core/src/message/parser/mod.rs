//! Messages taken apart: from RFC 5322 and MIME to JSON and blobs.
//!
//! [`parse`] never fails: whatever cannot be made sense of is left as it is. What it makes has two
//! views of one message, and the name of a blob means the same in both:
//!
//! - `parts`, the MIME tree: each node has `content_type`, all `headers`, and either `parts` or
//!   `content`. Structured header fields are parsed: addresses, ids, dates; `content-type` and
//!   `content-disposition` are `["type/subtype", {parameters}]`. A field that is not what it should
//!   be is a string. Names are in lower case. No octet of the message is missing from the tree: what
//!   is neither header nor content stands in `mbox_from` (a first line `From …`), `padding` (what
//!   stands behind the delimiter before the part), `preamble` and `epilogue` (what stands before the
//!   first part and after the last one, or before and after encoded text), where there is any. A
//!   preamble or an epilogue that is too long to be inline is one more part.
//! - `headers`, `text_body`, `related_attachments`, `file_attachments`: the same as a
//!   [`Spec`](super::builder::Spec), of which the message could have been built. Only what a builder
//!   accepts is there: a malformed address, a second `Subject` and the MIME fields are not.
//!
//! Contents:
//!
//! - Transfer encodings are undone, also where they are malformed, as far as it goes. Of what is not
//!   of the alphabet of base64, single characters are left out, and lines for people are kept as
//!   `preamble` and `epilogue`.
//! - Text that is shown (neither said to be an attachment nor a file with a name) is converted to
//!   UTF-8: inline up to [`ParseLimits::max_inline`] octets, else a blob. Without a charset, or with
//!   an unknown one, text that is not UTF-8 is taken for windows-1252.
//!   Where the charset does not have all octets of it, U+FFFD stands for those, and the node has
//!   the octets as they were as a blob too, in `original`.
//! - Attachments keep their octets, and text among them its `charset`; they are inline only where a
//!   builder makes the same octets of that.
//! - The text is the first alternative of bodies; further texts of a multipart/mixed are file
//!   attachments.
//! - A multipart in which no part begins is a leaf, with all that is in it. So is what is nested
//!   deeper than the limit, what remains when there are too many parts, and what follows a header
//!   section that is too long.
//! - An attached message (message/rfc822, message/global), and any other message/*, is one opaque
//!   part, so that it stays the same octet by octet. The message that it is, is also taken apart: the
//!   node has its tree in `parts`, beside its `content`; messages within that one have `parts` only.
//!   The same is done with a header section (text/rfc822-headers, message/global-headers).
//! - A message/delivery-status has `delivery_status`, and so has the whole message: for each of
//!   `recipients` its `original_recipient`, `final_recipient`, `action`, `status`, `diagnostic`,
//!   `remote_mta`, `last_attempt_date`, `will_retry_until`; beside them `reporting_mta`,
//!   `original_envelope_id`, `arrival_date` and so on. Only what is said is there. The usual types
//!   (`rfc822`, `dns`, `smtp`) are left out, others stay before a semicolon.
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
mod comments;
mod date;
mod delivery_status;
mod encoded_word;
mod entity;
mod fields;
mod flatten;
mod ids;
mod multipart;
mod parameters;
mod transfer;
mod tree;

pub use self::tree::MAX_DEPTH;

pub(super) use self::parameters::WithParameters;

use bytes::Bytes;
use serde_json::Value;

/// The names and the addresses in a text; an address may be empty, or none.
pub(super) fn parse_addresses(text: &str) -> Vec<(Option<String>, String)> {
    let list = address::parse(&charset::one_line(text)).into_iter();
    list.map(|addressee| (addressee.display_name, addressee.address))
        .collect()
}

/// The value of a header field in one line, before encoded words are decoded.
pub(super) fn field_line(value: &Bytes) -> String {
    let (name, value) = (String::new(), value.clone());
    entity::Field { name, value }.line()
}

/// The value of a header field in one line, with encoded words decoded.
pub(super) fn field_text(value: &Bytes) -> String {
    charset::one_line(&encoded_word::decode(&field_line(value)))
}

/// The value of a header field, taken for one with parameters.
pub(super) fn field_parameters(value: &Bytes) -> WithParameters {
    let (name, value) = (String::new(), value.clone());
    entity::Field { name, value }.with_parameters()
}

/// Whether a text can be read as a date.
pub(super) fn is_date(text: &str) -> bool {
    date::parse(&charset::one_line(text)).is_some()
}

/// What [`parse`] makes of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedMessage {
    /// The message as JSON; see the [module documentation](self).
    pub json: Value,
    /// The contents that the JSON names with `create_id`, each once, in the order of the message;
    /// those of attached messages come after all others.
    pub blobs: Vec<(Box<str>, Bytes)>,
}

/// How much of a message is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseLimits {
    /// Octets of a text that is put into the JSON, at most.
    pub max_inline: usize,
    /// Multiparts and attached messages within each other that are taken apart, at most; never more
    /// than [`MAX_DEPTH`].
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

impl ParseLimits {
    /// With another [`ParseLimits::max_inline`].
    #[must_use]
    pub fn with_max_inline(mut self, max_inline: usize) -> Self {
        self.max_inline = max_inline;
        self
    }

    /// With another [`ParseLimits::max_depth`].
    #[must_use]
    pub fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// With another [`ParseLimits::max_parts`].
    #[must_use]
    pub fn with_max_parts(mut self, max_parts: usize) -> Self {
        self.max_parts = max_parts;
        self
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
