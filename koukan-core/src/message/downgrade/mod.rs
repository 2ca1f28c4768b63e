//! Messages for hosts that take less than the message has: [`Downgrade`].
//!
//! A host that does not offer 8BITMIME takes ASCII in lines, and one that does not offer BINARYMIME takes
//! lines. Whoever passes a message on to one may encode what it does not take: RFC 6152 section 3, RFC 3030
//! section 3. It is done part by part, as the message passes, and no more of it is changed than has to be:
//!
//! | part | becomes |
//! |---|---|
//! | `text/*` | quoted-printable |
//! | other content, and all that is declared `binary` | base64 |
//! | `multipart/*`, `message/rfc822` | what is in it is encoded, and its own encoding is `7bit`, or `8bit` (RFC 2045 section 6.4) |
//! | encoded already, other `message/*` | stays; the message fails if the host does not take that |
//!
//! What is declared `7bit` or `8bit`, or declares nothing, is looked at before that is decided, up to 32 KiB of
//! it: what the host takes stays. What is longer and declared `8bit` is encoded; what declares less stays, and
//! the message fails at the first octet that the host does not take.
//!
//! Header sections are not encoded: where one has octets above 127 the message needs SMTPUTF8.
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

/// What becomes of what somebody has signed, where it would have to be encoded: no signature holds of it then.
///
/// Signed is a message with a `DKIM-Signature` or one of ARC's, and a part that is `multipart/signed`, as with
/// OpenPGP and S/MIME; `multipart/encrypted` counts as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Signatures {
    /// It stays, and the message fails where the host does not take that.
    #[default]
    Keep,
    /// It is encoded.
    Break,
}

/// A message cannot be made one that the host takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("message has what the next host does not take, and cannot be encoded")]
pub struct Unconvertible;

/// Makes of a message one that the next host takes, as it passes by in chunks; see the [module
/// documentation](self).
///
/// *Shape*: takes and gives the message with CRLF line ends, not dot-stuffed, in chunks cut anywhere. A CR or
/// LF alone is content. What is given is the same however the message was cut.
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
    /// What could not be cut into pieces yet.
    rest: Vec<u8>,
    is_start: bool,
}

impl Downgrade {
    /// For a host that takes that; what is signed stays as it is.
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

    /// Of a message with BODY=BINARYMIME, which need not have lines: what goes on has, and none longer than 998
    /// octets.
    #[must_use]
    pub fn of_binary(mut self) -> Self {
        self.entity.passable.is_binary = true;
        self
    }

    /// Sets what becomes of what is signed.
    #[must_use]
    pub fn with_signatures(mut self, signatures: Signatures) -> Self {
        self.entity.signatures = signatures;
        self
    }

    /// What goes on for the next chunk; it may be empty.
    ///
    /// # Errors
    ///
    /// [`Unconvertible`]; what was given before is of no use then.
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

    /// What follows the last chunk.
    ///
    /// # Errors
    ///
    /// As of [`Downgrade::chunk`].
    pub fn end(mut self) -> Result<Bytes, Unconvertible> {
        let mut out = BytesMut::new();
        for piece in Pieces::of(&self.rest, self.is_start).all() {
            self.entity.piece(&piece, &mut out)?;
        }
        self.entity.finish(&mut out)?;
        Ok(out.freeze())
    }
}
