//! The arithmetic of SCRAM: the keys that follow from a password.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The smallest count of iterations: RFC 7677 section 4.
pub const ITERATIONS_MIN: u32 = 4096;
/// The largest count that is accepted. The count may come from another host, which could ask for any.
pub const ITERATIONS_MAX: u32 = 1_000_000;

/// A key, or a value computed with one.
pub(super) type Key = [u8; 32];

/// `SaltedPassword`.
///
/// *Source*: RFC 5802 section 2.2, `Hi`.
pub(super) fn salted(password: &str, salt: &[u8], iterations: u32) -> Key {
    let keyed = keyed(prepared(password).as_bytes());
    let mut first = keyed.clone();
    first.update(salt);
    first.update(&1_u32.to_be_bytes());
    let mut last: Key = first.finalize().into_bytes().into();
    let mut sum = last;
    for _ in 1..iterations {
        let mut next = keyed.clone();
        next.update(&last);
        last = next.finalize().into_bytes().into();
        sum = xor(sum, last);
    }
    sum
}

/// `ClientKey` or `ServerKey`, as `name` says.
pub(super) fn key(salted: &Key, name: &str) -> Key {
    signature(salted, name)
}

/// The HMAC of a text with a key.
pub(super) fn signature(key: &[u8], text: &str) -> Key {
    let mut keyed = keyed(key);
    keyed.update(text.as_bytes());
    keyed.finalize().into_bytes().into()
}

/// The hash of a key.
pub(super) fn hash(key: &Key) -> Key {
    Sha256::digest(key).into()
}

pub(super) fn xor(mut one: Key, other: Key) -> Key {
    for (octet, other) in one.iter_mut().zip(other) {
        *octet ^= other;
    }
    one
}

/// A name or a password in the form in which it is compared; one with forbidden characters stays as it is.
///
/// *Source*: RFC 4013.
pub(crate) fn prepared(text: &str) -> Cow<'_, str> {
    stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key has any length")
}
