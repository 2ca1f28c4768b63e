//! Groups of four characters, which encode three octets.

/// Decoded octets, and the remainder of the last four characters.
pub(super) struct Group {
    pub(super) decoded: Vec<u8>,
    bits: u32,
    count: u32,
}

impl Group {
    pub(super) fn with_capacity(characters: usize) -> Self {
        Self {
            decoded: Vec::with_capacity(characters / 4 * 3 + 3),
            bits: 0,
            count: 0,
        }
    }

    /// How many characters do not form a group yet.
    pub(super) fn pending(&self) -> usize {
        self.count as usize
    }

    /// Whether nothing was added yet.
    pub(super) fn is_new(&self) -> bool {
        self.decoded.is_empty() && self.count == 0
    }

    /// Adds the complete groups at the beginning of a text, if no group is open. Returns how many
    /// characters they have.
    pub(super) fn add_groups(&mut self, text: &[u8]) -> usize {
        if self.count > 0 {
            return 0;
        }
        let (groups, _) = text.as_chunks::<4>();
        let mut added = 0;
        for group in groups {
            let values = group.map(|octet| VALUES[usize::from(octet)]);
            // Characters of the alphabet have six bits.
            if values.iter().any(|value| *value >= 64) {
                break;
            }
            let bits = values
                .iter()
                .fold(0, |bits, value| bits << 6 | u32::from(*value));
            self.decoded.extend_from_slice(&bits.to_be_bytes()[1..]);
            added += group.len();
        }
        added
    }

    /// Adds six bits.
    pub(super) fn add(&mut self, value: u8) {
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 1;
        if self.count == 4 {
            self.decoded
                .extend_from_slice(&self.bits.to_be_bytes()[1..]);
            (self.bits, self.count) = (0, 0);
        }
    }

    /// Ends an incomplete group at padding. Returns whether there is one that can end.
    pub(super) fn pad(&mut self) -> bool {
        let can_end = self.count > 1;
        if can_end {
            self.close();
        }
        can_end
    }

    /// Adds the octets that an incomplete group encodes.
    pub(super) fn close(&mut self) {
        let octets = (self.bits << (6 * (4 - self.count.clamp(1, 4)))).to_be_bytes();
        self.decoded.extend_from_slice(match self.count {
            2 => &octets[1..2],
            3 => &octets[1..3],
            _ => &[],
        });
        (self.bits, self.count) = (0, 0);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close();
        self.decoded
    }
}

/// The six bits that a character stands for.
pub(super) fn value(octet: u8) -> Option<u8> {
    let value = VALUES[usize::from(octet)];
    (value < 64).then_some(value)
}

const VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 64 {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
};
