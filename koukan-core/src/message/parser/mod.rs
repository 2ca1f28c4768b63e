//! Parses messages: from RFC 5322 and MIME to JSON and blobs.
//!
//! [`parse`] never fails: whatever cannot be understood is kept as it is. The result has two views
//! of the message, in which a blob's name means the same:
//!
//! - `parts`, the MIME tree. Each node has `content_type`, all `headers`, and either `parts` or
//!   `content`. Structured header fields are parsed: addresses, ids, dates; `content-type` and
//!   `content-disposition` are `["type/subtype", {parameters}]`. A malformed field is a string.
//!   Names are in lower case. The tree contains every octet of the message. Octets outside of header
//!   and content are in these places, where there are any: `mbox_from` (a first line `From …`),
//!   `padding` (text after the delimiter before the part), `preamble` and `epilogue` (text before
//!   the first part and after the last one, or before and after encoded text). A preamble or an
//!   epilogue that is too long to be inline is an additional part.
//! - `headers`, `text_body`, `related_attachments`, `file_attachments`: the message as a
//!   [`Spec`](super::builder::Spec) from which it could have been built. Only what a builder accepts
//!   is there: malformed addresses, a second `Subject` and the MIME fields are left out.
//!
//! Contents:
//!
//! - Transfer encodings are decoded, as far as possible even if malformed. In base64, single foreign
//!   characters are skipped, and lines of text are kept as `preamble` and `epilogue`.
//! - Displayed text (neither declared as an attachment nor a named file) is converted to UTF-8:
//!   inline up to [`ParseLimits::max_inline`] octets, else as a blob. Without a charset, or with an
//!   unknown one, text that is not UTF-8 is read as windows-1252. Octets that do not exist in the
//!   charset become U+FFFD; the original octets are then kept as a blob, too, in `original`.
//! - Attachments keep their octets; text attachments also keep their `charset`. They are inline only
//!   where a builder makes the same octets of that.
//! - The text is the first alternative of bodies. Further texts of a multipart/mixed are file
//!   attachments.
//! - A multipart without a single part is a leaf, with everything in it. So is whatever is nested
//!   deeper than the limit, the rest when there are too many parts, and whatever follows a header
//!   section that is too long.
//! - An attached message (message/rfc822, message/global), like any other message/*, is one opaque
//!   part, so that its octets stay the same. It is also parsed: the node has its tree in `parts`, in
//!   addition to its `content`. Messages within that one have `parts` only. The same applies to a
//!   header section (text/rfc822-headers, message/global-headers).
//! - A message/delivery-status has `delivery_status`, and so has the whole message. It contains for
//!   each of `recipients` the `original_recipient`, `final_recipient`, `action`, `status`,
//!   `diagnostic`, `remote_mta`, `last_attempt_date` and `will_retry_until`; and for the message
//!   `reporting_mta`, `original_envelope_id`, `arrival_date` and so on. Missing values are left out.
//!   The usual types (`rfc822`, `dns`, `smtp`) are left out; others stay before a semicolon.
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

/// The result of [`parse`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedMessage {
    /// The message as JSON; see the [module documentation](self).
    pub json: Value,
    /// The contents that the JSON names with `create_id`, each once, in the order of the message.
    /// Those of attached messages come last.
    pub blobs: Vec<(Box<str>, Bytes)>,
}

/// Limits for parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseLimits {
    /// The longest text that is put into the JSON, in octets.
    pub max_inline: usize,
    /// How many nested levels of multiparts and attached messages are parsed; never more than
    /// [`MAX_DEPTH`].
    pub max_depth: usize,
    /// How many parts are parsed, including multiparts; the rest is one additional part. Never more
    /// than [`MAX_PARTS`](super::builder::MAX_PARTS).
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

/// Parses a message.
///
/// *Shape*: CRLF line ends, not dot-stuffed; bare LF is accepted. Blobs share the octets of
/// `message` where nothing had to be decoded.
pub fn parse(message: Bytes, limits: &ParseLimits) -> ParsedMessage {
    let (root, blobs) = tree::grow(message, limits);
    ParsedMessage {
        json: flatten::json(root),
        blobs,
    }
}
