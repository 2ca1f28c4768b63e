//! Messages that are signed on behalf of their author's domain.
//!
//! One signature fits all of them: it covers what they have in common, and not the number in each.

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Failed,
    message::{AUTHOR, DOMAIN, LINE, SUBJECT, Shape},
};

/// A field that signs all messages of a shape, and the record with its key.
#[derive(Debug)]
pub(crate) struct Signature {
    /// The header field, without its end of line.
    pub(crate) field: String,
    /// The name of the record.
    pub(crate) name: String,
    /// The text of the record.
    pub(crate) record: String,
}

impl Signature {
    /// Makes a signature with a new key: RSA of 2048 bits, relaxed/relaxed (RFC 6376).
    pub(crate) fn new(shape: &Shape) -> Result<Self, Failed> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let body = digest(&SHA256, &LINE.repeat(shape.body / LINE.len()));
        let tags = format!(
            "v=1; a=rsa-sha256; c=relaxed/relaxed; d={DOMAIN}; s=bench; h=from:subject; bh={}; b=",
            BASE64_STANDARD.encode(body),
        );
        let signed = format!("from:{AUTHOR}\r\nsubject:{SUBJECT}\r\ndkim-signature:{tags}");
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )?;
        let public = key.public_key().as_der()?;
        Ok(Self {
            field: format!(
                "DKIM-Signature: {tags}{}",
                BASE64_STANDARD.encode(signature)
            ),
            name: format!("bench._domainkey.{DOMAIN}"),
            record: format!(
                "v=DKIM1; k=rsa; p={}",
                BASE64_STANDARD.encode(public.as_ref())
            ),
        })
    }
}
