//! Identities that cannot be guessed, and sort by the time of their creation.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    str::FromStr,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::random;

/// 128 bits: the time when it was made, then random bits.
///
/// *Shape*: as text, 26 digits of Crockford's base 32 in lower case. The first 48 bits are the
/// milliseconds since 1970, so that identities made close in time are close in an index. The other 80
/// bits are random, so that identities cannot be guessed. There is no counter: two identities do not
/// tell how many were made in between.
///
/// Stored in two halves. A 128-bit number has an alignment of 16 octets, for which allocators are slow,
/// and each transaction makes a dozen such allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RandomId {
    high: u64,
    low: u64,
}

/// A map from identities that we have made ourselves. They are random, so they need no hashing.
/// Identities that others choose must never be used in it.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// The hash of an identity is its last half.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

/// A text is not an identity: 26 digits of Crockford's base 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 letters and digits are expected")]
pub struct InvalidId;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Octets of the text of an identity.
pub(crate) const LEN: usize = 26;
const TIME_BITS: u32 = 48;
const RANDOM_BITS: u32 = 80;

impl RandomId {
    pub(crate) fn new() -> Self {
        let octets: [u8; 16] = random::octets().expect("the operating system gives random octets");
        if random::is_seeded() {
            return Self::of(u128::from_be_bytes(octets));
        }
        // The system's clock: nothing is decided by this time.
        let time = Timestamp::now().as_millisecond().cast_unsigned();
        let time = u128::from(time) & ((1 << TIME_BITS) - 1);
        let random = u128::from_be_bytes(octets) & ((1 << RANDOM_BITS) - 1);
        Self::of(time << RANDOM_BITS | random)
    }

    fn of(number: u128) -> Self {
        let half = |number: u128| number as u64;
        Self {
            high: half(number >> 64),
            low: half(number),
        }
    }

    fn number(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    /// The first of the random bits, which [`IdHasher`] does not use.
    fn mark(self) -> u16 {
        self.high as u16
    }
}

impl Hasher for IdHasher {
    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }

    /// Identities are hashed as two halves.
    fn write(&mut self, octets: &[u8]) {
        let shifted = |hash: u64, octet: &u8| hash.rotate_left(8) ^ u64::from(*octet);
        self.0 = octets.iter().fold(self.0, shifted);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl RandomId {
    /// The text, written into `text`.
    pub(crate) fn text(self, text: &mut [u8; LEN]) -> &str {
        let mut rest = self.number();
        for digit in text.iter_mut().rev() {
            *digit = DIGITS[rest as usize & 31];
            rest >>= 5;
        }
        std::str::from_utf8(text).expect("the digits are ASCII")
    }
}

impl fmt::Display for RandomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; LEN]))
    }
}

impl FromStr for RandomId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // 26 digits hold 130 bits, so the upper two bits of the first must be 0.
        if text.len() != LEN || text.as_bytes()[0] > b'7' {
            return Err(InvalidId);
        }
        let mut value = 0_u128;
        for octet in text.bytes() {
            let digit = DIGITS.iter().position(|digit| *digit == octet);
            value = value << 5 | digit.ok_or(InvalidId)? as u128;
        }
        Ok(Self::of(value))
    }
}

/// The identity of a transaction. It cannot be guessed. As text it is the queue id in trace
/// headers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub(crate) RandomId);

/// The identity of one run of a process that works on a backend; its leases end with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(RandomId);

/// What transactions have in common that carry the same octets of one message and were committed
/// together. Other transactions have none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey(RandomId);

macro_rules! identity {
    ($name:ident) => {
        impl $name {
            /// A new identity.
            pub fn random() -> Self {
                Self(RandomId::new())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

impl TransactionId {
    /// A new identity of which 16 random bits are derived from the session that makes it, so that whoever
    /// knows the session can recognise it.
    pub(crate) fn of_session(session: SessionId) -> Self {
        let RandomId { high, low } = RandomId::new();
        let mark = u64::from(session.0.mark());
        let high = high & !u64::from(u16::MAX) | mark;
        Self(RandomId { high, low })
    }

    /// Whether this session may have made it. Of other identities, one in 65,536 looks the same.
    pub(crate) fn may_be_of(self, session: SessionId) -> bool {
        self.0.mark() == session.0.mark()
    }

    /// The identity of the transaction for the recipient at this position, in a message whose first
    /// transaction has this identity. It has the same time, and cannot be guessed without knowing this one.
    pub(crate) fn of_message(self, position: usize) -> Self {
        if position == 0 {
            return self;
        }
        let mut digest = Sha256::new();
        digest.update(self.0.number().to_be_bytes());
        digest.update((position as u64).to_be_bytes());
        let digest = digest.finalize();
        let random = digest.iter().take(RANDOM_BITS as usize / 8);
        let random = random.fold(0, |number, octet| number << 8 | u128::from(*octet));
        let time = self.0.number() >> RANDOM_BITS;
        Self(RandomId::of(time << RANDOM_BITS | random))
    }
}

impl MessageKey {
    /// A number from 0 up to 1 that looks random: another one for each round, and the same for all copies of the message.
    pub(crate) fn unit(self, round: u32) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.0, round).hash(&mut hasher);
        random::unit_of(hasher.finish())
    }
}

identity!(TransactionId);
identity!(SessionId);
identity!(MessageKey);

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
    fn tells_when_it_was_made_and_not_how_many_there_were_before() {
        let time = |id: RandomId| i64::try_from(id.number() >> RANDOM_BITS).unwrap();
        let before = Timestamp::now().as_millisecond();
        let first = RandomId::new();
        let last = (0..100_000).fold(first, |_, _| RandomId::new());
        let after = Timestamp::now().as_millisecond();
        assert!(before <= time(first) && time(first) <= time(last));
        assert!(time(last) <= after, "it has run ahead of the time");
    }

    #[test]
    fn names_the_session_and_stays_hard_to_guess() {
        let (session, other) = (SessionId::random(), SessionId(RandomId::of(0)));
        let ids: std::collections::BTreeSet<_> = (0..1000)
            .map(|_| TransactionId::of_session(session))
            .collect();
        let rest: std::collections::BTreeSet<_> = ids.iter().map(|id| id.0.low).collect();
        assert_eq!(rest.len(), 1000);
        for id in ids {
            let read: TransactionId = id.to_string().parse().unwrap();
            assert!(read.may_be_of(session));
            let is_same = session.0.mark() == other.0.mark();
            assert_eq!(read.may_be_of(other), is_same);
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
