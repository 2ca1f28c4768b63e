//! Private keys that sign.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

/// The algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA with SHA-256, which every verifier supports: RFC 6376 section 3.3.2.
    Rsa,
    /// Ed25519, with short keys and signatures. Not every verifier supports it: RFC 8463.
    Ed25519,
}

impl Algorithm {
    /// Its name in a signature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }

    /// The name of its key type in DNS records.
    pub fn key_type(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A private key; it is not shown by `Debug`.
pub struct SigningKey(Kind);

enum Kind {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a text holds no usable private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The text has no private key in PEM.
    #[error("there is no private key in PEM, as in `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// The key is of another kind, or damaged.
    #[error("the key is neither RSA of 2048 to 8192 bits nor Ed25519")]
    Unusable,
}

/// Generating a key failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key could not be generated")]
pub struct NotGenerated;

impl SigningKey {
    /// Reads a key in PEM: PKCS #8, or for RSA PKCS #1.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidKey> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| InvalidKey::NotPem)?;
        let rsa = match &key {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                // The public key may be present or missing.
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self(Kind::Ed25519(key)));
                }
                RsaKeyPair::from_pkcs8(der)
            }
            _ => return Err(InvalidKey::Unusable),
        };
        let rsa = rsa.map_err(|_| InvalidKey::Unusable)?;
        Ok(Self(Kind::Rsa(rsa)))
    }

    /// Generates a key, RSA of 2048 bits or Ed25519. Returns it with its text in PEM (PKCS #8).
    ///
    /// # Errors
    ///
    /// [`NotGenerated`].
    pub fn generate(algorithm: Algorithm) -> Result<(Self, String), NotGenerated> {
        let (key, der) = match algorithm {
            Algorithm::Rsa => {
                // A longer key would not fit into one string of a TXT record, and some verifiers
                // would not accept its signatures.
                let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| NotGenerated)?;
                let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| NotGenerated)?;
                (Kind::Rsa(key), der.as_ref().to_vec())
            }
            Algorithm::Ed25519 => {
                let key = Ed25519KeyPair::generate().map_err(|_| NotGenerated)?;
                let der = key.to_pkcs8v1().map_err(|_| NotGenerated)?;
                (Kind::Ed25519(key), der.as_ref().to_vec())
            }
        };
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let text = STANDARD.encode(der);
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|octet| char::from(*octet)));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok((Self(key), pem))
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Kind::Rsa(_) => Algorithm::Rsa,
            Kind::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The text of the TXT record that publishes its public key: RFC 6376 section 3.6.1.
    pub fn record(&self) -> String {
        let public = match &self.0 {
            Kind::Rsa(key) => {
                let der: Result<PublicKeyX509Der<'_>, _> = key.public_key().as_der();
                der.map_or_else(|_| String::new(), |der| STANDARD.encode(der.as_ref()))
            }
            Kind::Ed25519(key) => STANDARD.encode(key.public_key()),
        };
        format!("v=DKIM1; k={}; p={public}", self.algorithm().key_type())
    }

    /// Whether signing takes so long that other tasks would have to wait: more than about a
    /// millisecond.
    pub fn is_slow(&self) -> bool {
        match &self.0 {
            Kind::Rsa(key) => key.public_modulus_len() > 256,
            Kind::Ed25519(_) => false,
        }
    }

    /// Signs these octets, which are not hashed yet; `None` where the key fails.
    pub(crate) fn sign(&self, octets: &[u8]) -> Option<Vec<u8>> {
        match &self.0 {
            Kind::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let random = SystemRandom::new();
                let signed = key.sign(&RSA_PKCS1_SHA256, &random, octets, &mut signature);
                signed.ok().map(|()| signature)
            }
            Kind::Ed25519(key) => {
                let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets);
                let signature = key.try_sign(hash.as_ref()).ok()?;
                Some(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_made_is_read() {
        for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
            let (key, pem) = SigningKey::generate(algorithm).unwrap();
            let read = SigningKey::from_pem(pem.as_bytes()).unwrap();
            assert_eq!(read.record(), key.record());
            assert_eq!(read.sign(b"x"), key.sign(b"x"));
            assert!(read.sign(b"x").is_some());
            assert!(pem.lines().all(|line| line.len() <= 64));
            assert!(!key.is_slow());
            let start = format!("v=DKIM1; k={}; p=", algorithm.key_type());
            assert!(key.record().starts_with(&start), "{}", key.record());
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (_, pem) = SigningKey::generate(Algorithm::Ed25519).unwrap();
        for (text, error) in [
            ("", InvalidKey::NotPem),
            ("v=DKIM1; p=", InvalidKey::NotPem),
            (&pem.replace("MC4", "MC5"), InvalidKey::Unusable),
        ] {
            assert_eq!(
                SigningKey::from_pem(text.as_bytes()).unwrap_err(),
                error,
                "{text}"
            );
        }
    }

    /// RFC 8032 section 7.1, test 1, as RFC 8463 uses it: openssl writes keys so.
    #[test]
    fn the_key_of_the_standard_is_read() {
        let seed = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{seed}\n-----END PRIVATE KEY-----\n");
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Ed25519);
        assert_eq!(
            key.record(),
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        );
    }
}
