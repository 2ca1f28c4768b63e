//! DKIM, SPF, DMARC and ARC for Koukan: filters that sign messages, and filters that check who sent a
//! message.
//!
//! This crate uses the public API of [`koukan_core`] only, as a filter of your own does. It contains
//! cryptography, but opens no socket: a filter looks names up by the
//! [`Resolver`](koukan_core::network::Resolver) that it is given, and takes the time from its
//! [`Clock`](koukan_core::clock::Clock).
//!
//! | module | holds |
//! |---|---|
//! | [`dkim`] | signatures without a filter: canonical forms, keys, the `DKIM-Signature` field |
//! | [`dkim_sign`], [`dkim_check`] | the filters that sign and verify |
//! | [`spf`], [`spf_check`] | which hosts may send mail of a domain, and the filter that checks it |
//! | [`dmarc`], [`dmarc_check`] | whether a message authenticates as its author's domain, and the filter that checks it |
//! | [`arc`], [`arc_check`] | what agents that passed a message on have recorded, and the filter that verifies it |
//! | [`srs`] | reverse-paths of forwarded messages: rewriting and reversing |
//! | [`authentication_results`] | the filter that adds the results to the message |
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
//! Minimum supported Rust version: 1.88.

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
