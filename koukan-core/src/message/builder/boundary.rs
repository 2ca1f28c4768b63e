//! Boundaries that cannot stand in what they bound.

use super::{Content, Spec};

/// Makes the boundaries of one message.
///
/// They begin with `=_`, which no base64, no quoted-printable and none of the 7bit text that the
/// builder writes contains (RFC 2045 section 6.7 names that trick), and go on with a hash of the
/// whole spec, so that an attached message that was built from another spec has others.
pub(super) struct Boundaries {
    base: String,
    count: usize,
}

impl Boundaries {
    /// Those of the message of `spec` with these header fields.
    pub(super) fn of(spec: &Spec, header: &str) -> Self {
        let [mut first, mut second] = [Fnv1a::new(0), Fnv1a::new(1)];
        for hash in [&mut first, &mut second] {
            hash.add(header);
            for part in spec.parts() {
                hash.add(&part.content_type().to_string());
                hash.add(part.content_id().unwrap_or_default());
                hash.add(part.filename().unwrap_or_default());
                match part.content() {
                    Content::Inline(text) => hash.add(text),
                    Content::Octets(octets) => hash.add_octets(octets),
                    Content::CreateId(name) | Content::ReuseUri(name) => hash.add(name),
                }
            }
        }
        let base = format!("=_{:016x}{:016x}", first.0, second.0);
        Self { base, count: 0 }
    }

    /// What all of them begin with.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Another one; none is the beginning of another.
    pub(super) fn another(&mut self) -> String {
        self.count += 1;
        format!("{}.{}", self.base, self.count)
    }
}

/// FNV-1a. It must not change from one release to the next: retries render the same octets.
struct Fnv1a(u64);

impl Fnv1a {
    fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Adds a text, and an octet that is in none.
    fn add(&mut self, text: &str) {
        self.add_octets(text.as_bytes());
        self.add_octets(b"\xff");
    }

    fn add_octets(&mut self, octets: &[u8]) {
        self.0 = octets.iter().fold(self.0, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_definition() {
        for (text, expected) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            let mut hash = Fnv1a::new(0);
            hash.add_octets(text.as_bytes());
            assert_eq!(hash.0, expected, "{text}");
        }
    }
}
