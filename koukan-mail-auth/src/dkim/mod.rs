//! DKIM signatures, without a filter around them: RFC 6376, with Ed25519 by RFC 8463.
//!
//! This module works on octets as they pass, and does no I/O. It never holds a whole message: the
//! header section is kept, up to [`HEADER_MAX`] octets, and the body is hashed as it passes.
//!
//! Why the crate mail-auth is not used: Its signer reads the system's clock, so legs of one message
//! would get different signatures, and tests could expect none. It keeps lines of white space at the
//! end of a body and leaves out a lone CR, so that other verifiers compute another hash. And it asks
//! the DNS by a resolver of its own.

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
