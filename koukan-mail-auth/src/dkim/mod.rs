//! DKIM signatures by themselves: RFC 6376, with Ed25519 by RFC 8463.
//!
//! Everything here works on octets as they pass and does no I/O. A message is never held: its header
//! section is kept, up to [`HEADER_MAX`] octets, and its body goes through a hash.
//!
//! mail-auth is not used for this. Its signer takes the time from the system, so that legs of one
//! message would have different signatures and tests none that they know; it keeps lines of blanks at
//! the end of a body, and leaves out a CR that stands alone, so that others find another hash; and it
//! asks the DNS by a resolver of its own.

mod body_hash;
mod canonicalization;
mod fields;
mod public_key;
mod received;
mod section;
mod signature;
mod signing_key;
mod tags;
mod verification;

pub use self::{
    body_hash::{BodyDigest, BodyHasher},
    canonicalization::Canonicalization,
    section::HEADER_MAX,
    signature::{Message, SignatureSpec, Signing, SigningError},
    signing_key::{Algorithm, InvalidKey, NotGenerated, SigningKey},
    verification::{DkimResult, Passed, SIGNATURES_MAX, Verified, Verifying},
};
pub(crate) use self::{
    fields::{ByName, Field, fields},
    public_key::PublicKey,
    received::{Received, algorithm, key_name, without_signature},
    section::Section,
    tags::{Tags, without_space},
    verification::{has_one_author, key_at},
};
