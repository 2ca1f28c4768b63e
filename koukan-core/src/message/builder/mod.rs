//! Renders messages from descriptions: the message builder.
//!
//! A [`Spec`] describes in JSON what a message contains. A [`Composition`] is a spec with the blobs
//! that it names. It becomes a [`Body`](crate::body::Body) that is rendered as it is read, in
//! constant memory, while the blobs may still grow.
//!
//! The rules of rendering:
//!
//! - mixed( related( alternative( text bodies ), related attachments ), file attachments ), each
//!   multipart only where it is needed. Without a text body, related attachments are placed among
//!   the file attachments. Without any part, the message is an empty text.
//! - Alternatives in order of preference, the plainest first, as RFC 2046 section 5.1.4 demands:
//!   text/plain, then others, then text/html, then text/calendar. Alternatives of equal rank keep
//!   the order of the spec.
//! - Inline text is UTF-8 with CRLF line ends, as 7bit if possible, else as quoted-printable or
//!   base64, whichever is shorter.
//! - Blobs are base64 of their octets. A text/* without a `charset` is declared as UTF-8.
//! - A message/* must not be base64 (RFC 2046 section 5.2.1), and the content of a blob that still
//!   grows is unknown. So it is passed on as `8bit`, with line ends changed to CRLF. If it contains a
//!   NUL or a line longer than 998 octets, the body fails with
//!   [`Reply::bad_content`](crate::reply::Reply::bad_content). Such a message needs 8BITMIME:
//!   [`Spec::needs_8bitmime`].
//! - Header text outside of ASCII is encoded by RFC 2047, parameters by RFC 2231. Structured fields
//!   such as `Resent-To`, `List-Unsubscribe` or `Auto-Submitted` are encoded by their grammar: only
//!   names, words and comments, and URIs with `%`. ASCII text is unchanged.
//!   Addresses and ids outside of ASCII cannot be encoded: the message then needs SMTPUTF8, as
//!   [`Spec::needs_smtputf8`] tells.
//!
//! A completed spec ([`Spec::complete`]) renders to the same octets each time.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use koukan_core::{body::Body, message::builder::{Composition, Spec}};
//! use serde_json::json;
//!
//! let spec = Spec::from_json(&json!({
//!     "headers": [["from", [{"address": "alice@example.com"}]], ["subject", "hello"]],
//!     "text_body": [{"content_type": "text/plain", "content": {"inline": "hi bob"}}],
//! }))?;
//! let composition = Composition::new(Arc::new(spec), [])?;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let message = Body::from(composition).collect(1000).await?;
//! assert!(message.starts_with(b"From: alice@example.com\r\nSubject: hello\r\n"));
//! # Ok::<(), koukan_core::body::BodyError>(()) }).unwrap();
//! # Ok::<(), tower::BoxError>(())
//! ```

mod boundary;
mod composition;
mod error;
mod limits;
mod render;
mod spec;

pub(crate) use self::render::Rendering;
pub(super) use self::render::{mailbox_field, text_field};
pub(super) use self::spec::{Reader, is_once, read_header, read_media_type, read_part};
pub use self::{
    composition::{Composition, Unresolved},
    error::SpecError,
    limits::{MAX_HEADER_FIELDS, MAX_HEADER_OCTETS, MAX_HEADER_TEXT, MAX_INLINE_OCTETS, MAX_PARTS},
    spec::{Address, Content, Header, HeaderValue, MediaType, Part, Spec},
};
