//! Hashes message bodies as they pass: RFC 6376 sections 3.4.3, 3.4.4 and 3.7.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use memchr::{memchr, memchr3};

use super::Canonicalization;

/// Octets of canonical form that are collected before they are hashed.
const COLLECTED: usize = 4096;

/// Ends of lines.
const LINE_ENDS: [u8; COLLECTED] = {
    let mut ends = [b'\r'; COLLECTED];
    let mut at = 1;
    while at < COLLECTED {
        ends[at] = b'\n';
        at += 2;
    }
    ends
};

/// Hashes the canonical form of a body, without holding the body.
///
/// *Shape*: only CRLF ends a line. A lone CR or LF is an ordinary octet.
pub struct BodyHasher {
    how: Canonicalization,
    /// How many octets of the canonical form are hashed at most.
    limit: u64,
    sha256: Context,
    collected: Vec<u8>,
    /// The length of the canonical form so far, in octets.
    length: u64,
    /// Line ends that count only if another octet follows.
    ends: u64,
    /// Relaxed form: white space has come. It counts as one blank if something follows on the line.
    has_blank: bool,
    is_after_cr: bool,
}

/// Shows nothing of the message.
impl fmt::Debug for BodyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyHasher").finish_non_exhaustive()
    }
}

/// The hash of a body, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDigest {
    /// SHA-256 of the canonical form, or of the part that was to be hashed.
    pub sha256: [u8; 32],
    /// The length of the whole canonical form, in octets.
    pub length: u64,
}

impl BodyHasher {
    /// Hashes the whole canonical form.
    pub fn new(how: Canonicalization) -> Self {
        Self {
            how,
            limit: u64::MAX,
            sha256: Context::new(&SHA256),
            collected: Vec::with_capacity(COLLECTED),
            length: 0,
            ends: 0,
            has_blank: false,
            is_after_cr: false,
        }
    }

    /// Hashes at most `octets` of the canonical form.
    #[must_use]
    pub fn with_limit(mut self, octets: u64) -> Self {
        self.limit = octets;
        self
    }

    /// Takes the next octets of the body.
    pub fn update(&mut self, mut octets: &[u8]) {
        while let Some(first) = octets.first() {
            if std::mem::take(&mut self.is_after_cr) {
                if *first == b'\n' {
                    (self.ends, self.has_blank) = (self.ends + 1, false);
                    octets = &octets[1..];
                } else {
                    self.content(b"\r");
                }
                continue;
            }
            let is_relaxed = self.how == Canonicalization::Relaxed;
            let passed = match first {
                b'\r' => {
                    self.is_after_cr = true;
                    1
                }
                b' ' | b'\t' if is_relaxed => {
                    self.has_blank = true;
                    1
                }
                _ => {
                    let end = match is_relaxed {
                        true => memchr3(b'\r', b' ', b'\t', octets),
                        false => memchr(b'\r', octets),
                    };
                    let end = end.unwrap_or(octets.len());
                    self.content(&octets[..end]);
                    end
                }
            };
            octets = &octets[passed..];
        }
    }

    /// Ends the body.
    pub fn finish(mut self) -> BodyDigest {
        if std::mem::take(&mut self.is_after_cr) {
            self.content(b"\r");
        }
        if self.length > 0 || self.how == Canonicalization::Simple {
            self.put(b"\r\n");
        }
        self.sha256.update(&self.collected);
        let digest = self.sha256.finish();
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest.as_ref());
        BodyDigest {
            sha256,
            length: self.length,
        }
    }

    /// Adds octets that count in any case, after those that count because these follow.
    fn content(&mut self, octets: &[u8]) {
        let mut ends = std::mem::take(&mut self.ends);
        while ends > 0 {
            // There may be as many line ends as a message has octets.
            let some = ends.min(LINE_ENDS.len() as u64 / 2);
            self.put(&LINE_ENDS[..2 * some as usize]);
            ends -= some;
        }
        if std::mem::take(&mut self.has_blank) {
            self.put(b" ");
        }
        self.put(octets);
    }

    fn put(&mut self, octets: &[u8]) {
        let left = self.limit.saturating_sub(self.length);
        self.length += octets.len() as u64;
        let hashed = usize::try_from(left).map_or(octets.len(), |left| left.min(octets.len()));
        let octets = &octets[..hashed];
        if self.collected.len() + octets.len() > COLLECTED {
            self.sha256.update(&self.collected);
            self.collected.clear();
        }
        match octets.len() < COLLECTED {
            true => self.collected.extend_from_slice(octets),
            false => self.sha256.update(octets),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;

    use super::{
        Canonicalization::{Relaxed, Simple},
        *,
    };

    fn hash(how: Canonicalization, body: &[u8], step: usize) -> BodyDigest {
        let mut hasher = BodyHasher::new(how);
        body.chunks(step).for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    fn plain(form: &[u8]) -> BodyDigest {
        BodyDigest {
            sha256: digest(&SHA256, form).as_ref().try_into().unwrap(),
            length: form.len() as u64,
        }
    }

    #[test]
    fn canonical_forms_whatever_the_pieces() {
        for (body, simple, relaxed) in [
            // RFC 6376 section 3.4.5.
            (
                " C \r\nD \t E\r\n\r\n\r\n",
                " C \r\nD \t E\r\n",
                " C\r\nD E\r\n",
            ),
            ("", "\r\n", ""),
            ("\r\n", "\r\n", ""),
            ("\r\n\r\n\r\n", "\r\n", ""),
            (" \r\n", " \r\n", ""),
            // White space on lines at the end.
            ("a\r\n \r\n\t \r\n\r\n", "a\r\n \r\n\t \r\n", "a\r\n"),
            ("a\r\n \r\nb\r\n", "a\r\n \r\nb\r\n", "a\r\n\r\nb\r\n"),
            // No line end at the end.
            ("a", "a\r\n", "a\r\n"),
            ("a \t", "a \t\r\n", "a\r\n"),
            ("a\r\n\r\n ", "a\r\n\r\n \r\n", "a\r\n"),
            // Not a line end.
            ("a\rb\nc\r\r\n", "a\rb\nc\r\r\n", "a\rb\nc\r\r\n"),
            ("a \rb \r", "a \rb \r\r\n", "a \rb \r\r\n"),
            ("\n\n", "\n\n\r\n", "\n\n\r\n"),
            (
                "\u{e4}\u{a0} \u{f6}\r\n",
                "\u{e4}\u{a0} \u{f6}\r\n",
                "\u{e4}\u{a0} \u{f6}\r\n",
            ),
        ] {
            for step in [1, 2, 3, 5, 100] {
                let of = |how| hash(how, body.as_bytes(), step);
                assert_eq!(of(Simple), plain(simple.as_bytes()), "{body:?} by {step}");
                assert_eq!(of(Relaxed), plain(relaxed.as_bytes()), "{body:?} by {step}");
            }
        }
    }

    #[test]
    fn long_lines_and_many_empty_ones() {
        let long = "x".repeat(3 * COLLECTED + 17);
        let empty = "\r\n".repeat(2 * COLLECTED + 7);
        let body = format!("{long} {long}\r\n{empty}y");
        for step in [1, 4095, 4096, 4097, usize::MAX] {
            let of = |how| hash(how, body.as_bytes(), step);
            let form = plain(format!("{body}\r\n").as_bytes());
            assert_eq!((of(Simple), of(Relaxed)), (form, form), "by {step}");
        }
    }

    /// The hash of an empty body, as RFC 6376 section 3.4.3 and 3.4.4 name it.
    #[test]
    fn the_hashes_of_nothing() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        for (how, hash) in [
            (Simple, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
            (Relaxed, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ] {
            let digest = BodyHasher::new(how).finish();
            assert_eq!(STANDARD.encode(digest.sha256), hash);
        }
    }

    #[test]
    fn no_more_is_hashed_than_the_limit() {
        for step in [1, 3, 100] {
            let mut hasher = BodyHasher::new(Simple).with_limit(4);
            b"ab\r\ncd\r\n"
                .chunks(step)
                .for_each(|piece| hasher.update(piece));
            let digest = hasher.finish();
            assert_eq!(digest.sha256, plain(b"ab\r\n").sha256);
            assert_eq!(digest.length, 8);
        }
    }
}
