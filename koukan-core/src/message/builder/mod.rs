//! Messages written from a description: the message builder.
//!
//! A [`Spec`] says in JSON what a message is to contain. A [`Composition`] is a spec with the
//! blobs that it names; it becomes a [`Body`](crate::body::Body) that is rendered as it is read,
//! in constant memory, while the blobs may still grow.
//!
//! What is rendered:
//!
//! - mixed( related( alternative( text bodies ), related attachments ), file attachments ), each
//!   multipart only where it is needed. Without a text body the related attachments stand among
//!   the file attachments; without any part the message is an empty text.
//! - Alternatives by preference, the plainest first, as RFC 2046 section 5.1.4 wants it: text/plain,
//!   then others, then text/html, then text/calendar; those of one rank in the order of the spec.
//! - Text that is inline is UTF-8 with CRLF line ends, 7bit where it can be, else quoted-printable
//!   or base64, whichever is shorter.
//! - Blobs are base64 of their octets as they are. A text/* without a `charset` is said to be
//!   UTF-8.
//! - A message/* must not be base64 (RFC 2046 section 5.2.1), and nobody knows what is in a blob
//!   that still grows. So it is passed on as it is, as `8bit`, with line ends made CRLF; one with a
//!   NUL or a line longer than 998 octets fails the body with
//!   [`Reply::bad_content`](crate::reply::Reply::bad_content). Such a message needs 8BITMIME:
//!   [`Spec::needs_8bitmime`].
//! - Header text that is not ASCII is encoded as RFC 2047 says, parameters as RFC 2231 says. Fields
//!   that are more than text, such as `Resent-To`, `List-Unsubscribe` or `Auto-Submitted`, are
//!   encoded by their grammar: names, words and comments alone, URIs with `%`; what is ASCII stays as
//!   it is.
//!   Addresses and ids that are not ASCII are not encoded, for which there is no way: the message
//!   needs SMTPUTF8, as [`Spec::needs_smtputf8`] tells.
//!
//! A completed spec ([`Spec::complete`]) renders the same octets each time.
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
