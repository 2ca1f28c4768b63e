//! DKIM, SPF, DMARC and ARC for Koukan: filters that sign messages, and that find out who has sent them.
//!
//! Filters of this crate stand on [`koukan_core`] alone, as those of anybody else do. It holds
//! cryptography, and no socket: names are looked up by the
//! [`Resolver`](koukan_core::network::Resolver) that a filter is given, and the time is that of its
//! [`Clock`](koukan_core::clock::Clock).
//!
//! | module | holds |
//! |---|---|
//! | [`dkim`] | signatures by themselves: canonical forms, keys, the `DKIM-Signature` field |
//! | [`dkim_sign`], [`dkim_check`] | the filters that sign and verify |
//! | [`spf`], [`spf_check`] | which hosts may send mail of a domain, and the filter that asks |
//! | [`dmarc`], [`dmarc_check`] | whether a message is that of its author's domain, and the filter that asks |
//! | [`arc`], [`arc_check`] | what those say who have passed a message on, and the filter that verifies that |
//! | [`srs`] | reverse-paths of forwarded messages, there and back |
//! | [`authentication_results`] | the filter that tells readers what was found out |
//!
//! # Example
//!
//! ```
//! use koukan_mail_auth::dkim::{Algorithm, SignatureSpec, SigningKey};
//!
//! let (key, _pem) = SigningKey::generate(Algorithm::Ed25519)?;
//! let spec = SignatureSpec::new("example.com", "s1");
//! let mut signing = spec.start();
//! signing.update(b"From: alice@example.com\r\nSubject: hi\r\n\r\nhel");
//! signing.update(b"lo\r\n");
//! let field = signing.finish().sign(&key, 1_767_322_800)?;
//! assert!(field.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Types of other crates in the API
//!
//! `tower`'s `Service` and `Layer`, and those of `koukan-core`.
//!
//! Minimum supported Rust version: 1.91.

pub mod arc;
pub mod arc_check;
pub mod authentication_results;
mod author;
pub mod dkim;
pub mod dkim_check;
pub mod dkim_sign;
pub mod dmarc;
pub mod dmarc_check;
mod domain;
mod passing;
pub mod spf;
pub mod spf_check;
pub mod srs;
mod whole_message;

pub use self::author::author_domains;
