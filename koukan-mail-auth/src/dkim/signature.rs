//! Making `DKIM-Signature` fields: RFC 6376 sections 3.5, 3.7 and 5.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    BodyDigest, BodyHasher, Canonicalization, Section, SigningKey,
    fields::{Field, fields},
};

/// Fields that are signed where they are present, and sealed: no further field of the name can be
/// added. These are the fields that people and their programs see of a message, by RFC 6376 sections
/// 5.4.1 and 8.15.
const SEALED: [&str; 12] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Fields that are signed where they are present. Lists and agents on the way may add more of them.
const SIGNED: [&str; 10] = [
    "Sender",
    "Resent-From",
    "Resent-To",
    "Resent-Date",
    "Resent-Message-ID",
    "List-Id",
    "List-Post",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
];

/// The longest line of the field, in octets; only a longer name exceeds it.
const LINE: usize = 76;

/// What a signature is to cover and to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureSpec {
    domain: Box<str>,
    selector: Box<str>,
    header: Canonicalization,
    body: Canonicalization,
    sealed: Vec<Box<str>>,
    signed: Vec<Box<str>>,
    /// Seconds.
    lifetime: Option<u64>,
}

/// Reads a message as it passes, to sign it.
pub struct Signing {
    section: Section,
    hasher: BodyHasher,
    spec: SignatureSpec,
}

/// Shows nothing of the message.
impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").finish_non_exhaustive()
    }
}

/// A message that was read to its end.
pub struct Message {
    section: Section,
    body: BodyDigest,
    spec: SignatureSpec,
}

/// Shows nothing of the message.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}

/// Why a message cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The message has no From field or several, and RFC 6376 section 5.4 wants one signed.
    #[error("the message does not have one From field")]
    NotOneFrom,
    /// Its header section is longer than [`HEADER_MAX`](super::HEADER_MAX).
    #[error("the header section is too long")]
    TooLong,
    /// The key failed.
    #[error("the key cannot sign")]
    KeyFailed,
}

fn boxed(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

fn has(names: &[Box<str>], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn add_new<N: Into<Box<str>>>(to: &mut Vec<Box<str>>, names: impl IntoIterator<Item = N>) {
    for name in names.into_iter().map(Into::into) {
        if !has(to, &name) {
            to.push(name);
        }
    }
}

impl SignatureSpec {
    /// A signature on behalf of `domain` (as A-labels if it is international), with the key at
    /// `SELECTOR._domainkey.DOMAIN` in the DNS.
    ///
    /// Both canonical forms are relaxed, the signature does not expire, and it covers all fields
    /// that matter.
    pub fn new(domain: impl Into<Box<str>>, selector: impl Into<Box<str>>) -> Self {
        Self {
            domain: domain.into(),
            selector: selector.into(),
            header: Canonicalization::Relaxed,
            body: Canonicalization::Relaxed,
            sealed: boxed(&SEALED),
            signed: boxed(&SIGNED),
            lifetime: None,
        }
    }

    /// Sets the canonical forms of header fields and of the body.
    #[must_use]
    pub fn with_canonicalization(
        mut self,
        header: Canonicalization,
        body: Canonicalization,
    ) -> Self {
        (self.header, self.body) = (header, body);
        self
    }

    /// Sets which fields are sealed: they are signed in such a way that no further field of the name
    /// can be added. `From` is always one of them.
    #[must_use]
    pub fn with_sealed<N: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.sealed = boxed(&["From"]);
        add_new(&mut self.sealed, names);
        self
    }

    /// Sets which other fields are signed where they are present.
    #[must_use]
    pub fn with_signed<N: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.signed.clear();
        add_new(&mut self.signed, names);
        self
    }

    /// Sets after how many seconds the signature expires.
    #[must_use]
    pub fn with_lifetime(mut self, seconds: u64) -> Self {
        self.lifetime = Some(seconds);
        self
    }

    /// Whether fields of this name are signed.
    pub fn signs(&self, name: &str) -> bool {
        has(&self.sealed, name) || has(&self.signed, name)
    }

    /// The domain on whose behalf it signs.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Starts to read a message.
    pub fn start(&self) -> Signing {
        Signing {
            section: Section::default(),
            hasher: BodyHasher::new(self.body),
            spec: self.clone(),
        }
    }

    /// Makes the signature field for a header section and the hash of the body.
    ///
    /// # Errors
    ///
    /// [`SigningError`].
    pub(crate) fn sign(
        &self,
        section: &Section,
        body: &BodyDigest,
        key: &SigningKey,
        seconds: u64,
    ) -> Result<String, SigningError> {
        let section = section.octets().ok_or(SigningError::TooLong)?;
        let all: Vec<_> = fields(section).collect();
        if all.iter().filter(|field| field.is("From")).count() != 1 {
            return Err(SigningError::NotOneFrom);
        }
        let mut signed = Vec::new();
        let mut text = self.beginning(key, seconds);
        let mut line = Line::new(&mut text);
        line.word("h=");
        let mut is_first = true;
        for (name, is_sealed) in self.names() {
            // From the last to the first: RFC 6376 section 5.4.2.
            let there = all.iter().rev().filter(|field| field.is(name));
            let mut times = usize::from(is_sealed);
            for field in there {
                times += 1;
                self.header.add_field(field, &mut signed);
                signed.extend_from_slice(b"\r\n");
            }
            for _ in 0..times {
                if !std::mem::take(&mut is_first) {
                    line.join(":");
                }
                line.word(name);
            }
        }
        line.join(";");
        line.end();
        text.push_str("\tbh=");
        text.push_str(&STANDARD.encode(body.sha256));
        text.push_str(";\r\n\tb=");
        let own = Field::new(text.as_bytes()).ok_or(SigningError::KeyFailed)?;
        self.header.add_field(&own, &mut signed);
        let signature = key.sign(&signed).ok_or(SigningError::KeyFailed)?;
        let signature = STANDARD.encode(signature);
        let mut line = Line {
            text: &mut text,
            length: 3,
        };
        let pieces = signature.as_bytes().chunks(LINE - 4);
        for piece in pieces.map(|piece| str::from_utf8(piece).unwrap_or_default()) {
            line.word(piece);
        }
        line.end();
        Ok(text)
    }

    fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        let sealed = self.sealed.iter().map(|name| (&**name, true));
        let signed = self.signed.iter().filter(|name| !has(&self.sealed, name));
        sealed.chain(signed.map(|name| (&**name, false)))
    }

    /// Everything before the tag `h=`.
    fn beginning(&self, key: &SigningKey, seconds: u64) -> String {
        let mut text = String::with_capacity(1024);
        let mut line = Line::new(&mut text);
        line.join("DKIM-Signature: v=1;");
        let (header, body) = (self.header.as_str(), self.body.as_str());
        let until = self
            .lifetime
            .map(|lifetime| seconds.saturating_add(lifetime));
        let tags = [
            Some(format!(" a={};", key.algorithm().as_str())),
            Some(format!(" c={header}/{body};")),
            Some(format!(" d={};", self.domain)),
            Some(format!(" s={};", self.selector)),
            Some(format!(" t={seconds};")),
            until.map(|until| format!(" x={until};")),
        ];
        tags.iter().flatten().for_each(|tag| line.word(tag));
        line.end();
        text.push('\t');
        text
    }
}

impl Signing {
    /// Takes the next octets of the message, cut anywhere.
    pub fn update(&mut self, octets: &[u8]) {
        let body = self.section.take(octets);
        self.hasher.update(body);
    }

    /// Ends the message.
    pub fn finish(self) -> Message {
        Message {
            section: self.section,
            body: self.hasher.finish(),
            spec: self.spec,
        }
    }
}

impl Message {
    /// Makes the field, with its final CRLF; it is to stand before the message. `seconds` is the time of
    /// signing, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`SigningError`].
    pub fn sign(&self, key: &SigningKey, seconds: u64) -> Result<String, SigningError> {
        self.spec.sign(&self.section, &self.body, key, seconds)
    }
}

/// The last line of a folded field.
struct Line<'a> {
    text: &'a mut String,
    length: usize,
}

impl<'a> Line<'a> {
    fn new(text: &'a mut String) -> Self {
        Self { text, length: 1 }
    }

    /// Adds a word, on a new line where this one would become too long.
    fn word(&mut self, word: &str) {
        if self.length > 1 && self.length + word.len() >= LINE {
            self.text.push_str("\r\n\t");
            self.length = 1;
            self.join(word.trim_start());
        } else {
            self.join(word);
        }
    }

    /// Appends text to the word before.
    fn join(&mut self, text: &str) {
        self.text.push_str(text);
        self.length += text.len();
    }

    fn end(&mut self) {
        self.text.push_str("\r\n");
        self.length = 0;
    }
}
