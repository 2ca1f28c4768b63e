//! Octets in which only a number changes.

/// Digits of a number.
const DIGITS: usize = 10;

/// Octets with places for a number, which are filled in without copying the rest.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    octets: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    /// Each `#` in the text is a place for ten digits.
    pub(crate) fn new(text: &[u8]) -> Self {
        let mut octets = Vec::with_capacity(text.len() + 2 * DIGITS);
        let mut places = Vec::new();
        for octet in text {
            if *octet == b'#' {
                places.push(octets.len());
                octets.extend_from_slice(&[b'0'; DIGITS]);
            } else {
                octets.push(*octet);
            }
        }
        Self { octets, places }
    }

    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }

    /// The octets with this number.
    pub(crate) fn fill(&mut self, number: u64) -> &[u8] {
        let mut digits = [b'0'; DIGITS];
        let mut left = number;
        for digit in digits.iter_mut().rev() {
            *digit += (left % 10) as u8;
            left /= 10;
        }
        for place in &self.places {
            self.octets[*place..*place + DIGITS].copy_from_slice(&digits);
        }
        &self.octets
    }
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
}
