//! Encodes messages for hosts that do not accept all octets: [`Downgrade`].
//!
//! A host without 8BITMIME accepts ASCII in lines only, and a host without BINARYMIME accepts lines only. A relay may
//! encode a message for such a host: RFC 6152 section 3, RFC 3030 section 3. The message is encoded part by part as it
//! passes, and no more of it is changed than necessary:
//!
//! | part | result |
//! |---|---|
//! | `text/*` | quoted-printable |
//! | other content, and everything that is declared `binary` | base64 |
//! | `multipart/*`, `message/rfc822` | the parts inside are encoded; its own encoding becomes `7bit` or `8bit` (RFC 2045 section 6.4) |
//! | already encoded, or another `message/*` | unchanged; the message fails if the host does not accept it |
//!
//! If a part declares `7bit`, `8bit` or nothing, the first 32 KiB of it decide: it stays unchanged as long as the host
//! accepts it. Beyond that, a part that declares `8bit` is encoded; any other stays unchanged, and the message fails at
//! the first octet that the host does not accept.
//!
//! Header sections are not encoded: a message with octets above 127 in one needs SMTPUTF8.
//!
//! Memory is bounded: a header section (64 KiB at most), 32 KiB of content, and the boundaries around it.

mod encoder;
mod entity;
mod header;
mod pieces;
mod transport;

pub use self::transport::Transport;

use bytes::{Bytes, BytesMut};

use self::{entity::Entity, pieces::Pieces, transport::Passable};

/// What to do with signed content that would have to be encoded, which makes its signatures invalid.
///
/// A message is signed if it has a `DKIM-Signature` or a signature of ARC. A part is signed if it is `multipart/signed`
/// (OpenPGP, S/MIME) or `multipart/encrypted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Signatures {
    /// It stays unchanged. The message fails if the host does not accept it.
    #[default]
    Keep,
    /// It is encoded.
    Break,
}

/// A message cannot be encoded so that the host accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the next host does not accept the message, and it cannot be encoded")]
pub struct Unconvertible;

/// Encodes a message, chunk by chunk, so that the next host accepts it; see the [module documentation](self).
///
/// *Shape*: input and output are the message with CRLF line ends, not dot-stuffed, in chunks of any length. A CR or LF
/// alone is content. The output does not depend on how the input is divided.
///
/// # Example
///
/// ```
/// use koukan_core::message::downgrade::{Downgrade, Transport};
///
/// let mut downgrade = Downgrade::new(Transport::SevenBit);
/// let mut message = Vec::new();
/// for chunk in ["MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", "gr\u{fc}n\r\n"] {
///     message.extend_from_slice(&downgrade.chunk(chunk.as_bytes())?);
/// }
/// message.extend_from_slice(&downgrade.end()?);
/// let message = String::from_utf8(message).unwrap();
/// assert!(message.starts_with("Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n"));
/// assert!(message.ends_with("\r\n\r\ngr=C3=BCn\r\n"));
/// # Ok::<(), koukan_core::message::downgrade::Unconvertible>(())
/// ```
#[derive(Debug, Clone)]
pub struct Downgrade {
    entity: Entity,
    /// Octets that cannot be divided into pieces before more arrive.
    rest: Vec<u8>,
    is_start: bool,
}

impl Downgrade {
    /// For a host with that transport. Signed content stays unchanged.
    pub fn new(transport: Transport) -> Self {
        let passable = Passable {
            transport,
            is_binary: false,
        };
        Self {
            entity: Entity::new(passable),
            rest: Vec::new(),
            is_start: true,
        }
    }

    /// For a message with BODY=BINARYMIME, which need not consist of lines. The output does, of at most 998 octets each.
    #[must_use]
    pub fn of_binary(mut self) -> Self {
        self.entity.passable.is_binary = true;
        self
    }

    /// Sets what to do with signed content.
    #[must_use]
    pub fn with_signatures(mut self, signatures: Signatures) -> Self {
        self.entity.signatures = signatures;
        self
    }

    /// Takes the next chunk, and returns the output so far, which may be empty.
    ///
    /// # Errors
    ///
    /// [`Unconvertible`]: the output up to here is of no use then.
    pub fn chunk(&mut self, octets: &[u8]) -> Result<Bytes, Unconvertible> {
        let mut out = BytesMut::with_capacity(octets.len());
        let kept = std::mem::take(&mut self.rest);
        let joined;
        let octets = match kept.is_empty() {
            true => octets,
            false => {
                joined = [&*kept, octets].concat();
                &joined
            }
        };
        let mut pieces = Pieces::of(octets, self.is_start);
        for piece in &mut pieces {
            self.entity.piece(&piece, &mut out)?;
        }
        self.rest = pieces.rest().to_vec();
        self.is_start = pieces.is_start();
        Ok(out.freeze())
    }

    /// Ends the message, and returns the rest of the output.
    ///
    /// # Errors
    ///
    /// Those of [`Downgrade::chunk`].
    pub fn end(mut self) -> Result<Bytes, Unconvertible> {
        let mut out = BytesMut::new();
        for piece in Pieces::of(&self.rest, self.is_start).all() {
            self.entity.piece(&piece, &mut out)?;
        }
        self.entity.finish(&mut out)?;
        Ok(out.freeze())
    }
}
