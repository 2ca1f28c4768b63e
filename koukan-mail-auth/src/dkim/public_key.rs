//! Public keys, as the DNS publishes them: RFC 6376 section 3.6.1, RFC 8301, RFC 8463.

use aws_lc_rs::{
    digest::{Digest, SHA256, digest},
    signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Algorithm,
    tags::{Tags, without_space},
};

/// A public key, and the limits of its use.
#[derive(Debug)]
pub(crate) struct PublicKey {
    algorithm: Algorithm,
    octets: Vec<u8>,
    /// Whether the identity of a signature must be in exactly the signature's domain, not below it.
    pub(super) is_strict: bool,
    /// Whether the domain is in test mode. Then its signatures count as no signature.
    pub(crate) is_testing: bool,
}

/// Why a record holds no usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The record is malformed, or for another purpose.
    Malformed,
    /// The domain has revoked the key.
    Revoked,
}

impl PublicKey {
    /// Reads a record for signatures of an algorithm.
    pub(super) fn parse(text: &[u8], algorithm: Algorithm) -> Result<Self, Unusable> {
        let text = str::from_utf8(text).map_err(|_| Unusable::Malformed)?;
        let tags = Tags::parse(text).ok_or(Unusable::Malformed)?;
        let is_version = match tags.get("v") {
            Some(version) => version == "DKIM1" && tags.first() == Some("v"),
            None => true,
        };
        let has = |name: &str, wanted: &[&str]| {
            let list = tags.get(name);
            list.is_none_or(|list| list.split(':').any(|item| wanted.contains(&item.trim())))
        };
        let kind = tags.get("k").unwrap_or("rsa");
        let fits = is_version
            && has("h", &["sha256"])
            && has("s", &["*", "email"])
            && kind == algorithm.key_type();
        let key = tags.get("p").filter(|_| fits).ok_or(Unusable::Malformed)?;
        if key.is_empty() {
            return Err(Unusable::Revoked);
        }
        let octets = STANDARD.decode(without_space(key));
        let flags = tags.get("t").unwrap_or_default();
        let flag = |wanted: &str| flags.split(':').any(|flag| flag.trim() == wanted);
        Ok(Self {
            algorithm,
            octets: octets.map_err(|_| Unusable::Malformed)?,
            is_strict: flag("s"),
            is_testing: flag("y"),
        })
    }

    /// Whether `signature` signs these octets, which are not hashed yet.
    pub(crate) fn verifies(&self, octets: &[u8], signature: &[u8]) -> bool {
        self.verifies_digest(&digest(&SHA256, octets), signature)
    }

    /// Whether `signature` signs octets with this SHA-256 digest.
    pub(crate) fn verifies_digest(&self, hash: &Digest, signature: &[u8]) -> bool {
        let verified = match self.algorithm {
            Algorithm::Rsa => {
                // RFC 8301 section 3.2: at least 1024 bits.
                let rsa = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
                UnparsedPublicKey::new(rsa, &self.octets).verify_digest(hash, signature)
            }
            Algorithm::Ed25519 => {
                let key = UnparsedPublicKey::new(&ED25519, &self.octets);
                key.verify(hash.as_ref(), signature)
            }
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_records_are_keys() {
        use Unusable::{Malformed, Revoked};
        for (text, expected) in [
            ("v=DKIM1; k=rsa; p=AAAA", Ok(())),
            ("p=AAAA", Ok(())),
            ("p=AA AA;", Ok(())),
            (
                "v=DKIM1; h=sha1 : sha256; s=email; t=y:s; n=note; p=AAAA",
                Ok(()),
            ),
            ("v=DKIM1; x=y; p=AAAA", Ok(())),
            ("v=DKIM1; p=", Err(Revoked)),
            ("v=DKIM1", Err(Malformed)),
            ("v=DKIM2; p=AAAA", Err(Malformed)),
            ("p=AAAA; v=DKIM1", Err(Malformed)),
            ("v=DKIM1; k=ed25519; p=AAAA", Err(Malformed)),
            ("v=DKIM1; h=sha1; p=AAAA", Err(Malformed)),
            ("v=DKIM1; s=tlsrpt; p=AAAA", Err(Malformed)),
            ("v=DKIM1; p=AAAA; p=AAAA", Err(Malformed)),
            ("v=DKIM1; p=A*AA", Err(Malformed)),
            ("v=spf1 -all", Err(Malformed)),
        ] {
            let found = PublicKey::parse(text.as_bytes(), Algorithm::Rsa);
            assert_eq!(found.map(drop), expected, "{text}");
        }
        let found = PublicKey::parse(b"t=y : s; p=AAAA", Algorithm::Rsa).unwrap();
        assert!(found.is_strict && found.is_testing);
    }
}
