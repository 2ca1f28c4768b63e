//! A hash that is the same on every machine and in every release: [`Fnv1a`].

/// FNV-1a with 64 bits. It must not change: names made with it must be found again, and a message
/// must render to the same octets at each attempt. Colliding texts can be constructed deliberately.
pub(crate) struct Fnv1a(u64);

impl Fnv1a {
    /// Starts a hash. Seed 0 is that of the definition.
    pub(crate) fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Adds octets.
    pub(crate) fn add(&mut self, octets: impl IntoIterator<Item = u8>) {
        self.0 = octets.into_iter().fold(self.0, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }

    /// Adds a text, and an octet that occurs in no text, so that texts stay separate.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.add(text.bytes());
        self.add([0xff]);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0
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
            hash.add(text.bytes());
            assert_eq!(hash.get(), expected, "{text}");
        }
    }
}
