//! Octets in which only a number varies.

use std::num::NonZeroU64;

/// Digits of a number.
const DIGITS: usize = 10;

/// Octets with places for a number, which are filled in without copying the rest.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    octets: Vec<u8>,
    places: Vec<usize>,
    /// Places for the number modulo `cycle`.
    cycling: Vec<usize>,
    cycle: NonZeroU64,
}

impl Template {
    /// Each `#` in the text is a place for ten digits.
    pub(crate) fn new(text: &[u8]) -> Self {
        Self::build(text, None)
    }

    /// The same, where each `%` is a place for the number modulo `cycle`.
    pub(crate) fn cycling(text: &[u8], cycle: NonZeroU64) -> Self {
        Self::build(text, Some(cycle))
    }

    fn build(text: &[u8], cycle: Option<NonZeroU64>) -> Self {
        let mut octets = Vec::with_capacity(text.len() + 2 * DIGITS);
        let (mut places, mut cycling) = (Vec::new(), Vec::new());
        for octet in text {
            let places = match *octet {
                b'#' => &mut places,
                b'%' if cycle.is_some() => &mut cycling,
                octet => {
                    octets.push(octet);
                    continue;
                }
            };
            places.push(octets.len());
            octets.extend_from_slice(&[b'0'; DIGITS]);
        }
        Self {
            octets,
            places,
            cycling,
            cycle: cycle.unwrap_or(NonZeroU64::MIN),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }

    /// The octets with this number.
    pub(crate) fn fill(&mut self, number: u64) -> &[u8] {
        let rest = number % self.cycle;
        for (places, number) in [(&self.places, number), (&self.cycling, rest)] {
            if places.is_empty() {
                continue;
            }
            let digits = digits(number);
            for place in places {
                self.octets[*place..*place + DIGITS].copy_from_slice(&digits);
            }
        }
        &self.octets
    }
}

fn digits(mut number: u64) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::Template;

    #[test]
    fn each_place_is_filled_anew() {
        let mut template = Template::new(b"a#b#");
        assert_eq!(template.fill(9_876_543_210), b"a9876543210b9876543210");
        assert_eq!(template.fill(42), b"a0000000042b0000000042");
    }

    #[test]
    fn what_cycles_begins_again() {
        let mut template = Template::cycling(b"#%", 1000.try_into().unwrap());
        assert_eq!(template.fill(12_345), b"00000123450000000345");
        assert_eq!(template.fill(1_000), b"00000010000000000000");
        // Without a cycle, `%` is an ordinary character.
        assert_eq!(Template::new(b"#%").fill(7), b"0000000007%");
    }
}
