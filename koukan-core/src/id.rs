//! Unguessable identities that sort by the time they were made.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::random;

/// 128 bits: a counter that grows within this process, then random bits.
///
/// *Shape*: as text 26 digits of Crockford's base 32 in lower case. The first 48 bits start at a
/// random place for each process and grow by one for each identity, which keeps neighbours in
/// time neighbours in an index; the other 80 are random, which keeps them unguessable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RandomId(u128);

/// A text is not an identity: 26 digits of Crockford's base 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 letters and digits are expected")]
pub struct InvalidId;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LEN: usize = 26;

impl RandomId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let octets: [u8; 16] = random::octets().expect("the operating system gives random octets");
        let random = u128::from_be_bytes(octets);
        let start = u64::from_be_bytes([
            0, 0, octets[0], octets[1], octets[2], octets[3], octets[4], octets[5],
        ]);
        // The first caller decides where the process starts; a zero start is as good as any.
        let _ = NEXT.compare_exchange(0, start, Ordering::Relaxed, Ordering::Relaxed);
        let count = u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) & 0xffff_ffff_ffff;
        Self(count << 80 | random & ((1 << 80) - 1))
    }
}

impl fmt::Display for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; LEN];
        for (position, digit) in text.iter_mut().rev().enumerate() {
            *digit = DIGITS[(self.0 >> (5 * position)) as usize & 31];
        }
        f.write_str(std::str::from_utf8(&text).expect("the digits are ASCII"))
    }
}

impl FromStr for RandomId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // 26 digits hold 130 bits: the first may not use its upper two.
        if text.len() != LEN || text.as_bytes()[0] > b'7' {
            return Err(InvalidId);
        }
        let mut value = 0_u128;
        for octet in text.bytes() {
            let digit = DIGITS.iter().position(|digit| *digit == octet);
            value = value << 5 | digit.ok_or(InvalidId)? as u128;
        }
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_prints_and_never_repeats() {
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| RandomId::new()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn refuses_what_it_never_prints() {
        for text in [
            "",
            "x",
            "0000000000000000000000000u",
            "80000000000000000000000000",
        ] {
            assert_eq!(text.parse::<RandomId>(), Err(InvalidId), "{text}");
        }
    }
}
