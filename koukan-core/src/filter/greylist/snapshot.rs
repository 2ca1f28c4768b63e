//! The knowledge of a grey list as octets: [`GreylistSnapshot`].

use super::{
    Greylist,
    known::{Entry, Key, State},
};

/// How a snapshot begins.
const HEAD: &[u8] = b"koukan greylist 1\n";
/// Octets of an entry in it.
const ENTRY: usize = 16 + 8 + 8 + 8 + 4;

/// The octets are not a snapshot of a grey list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a snapshot of known clients")]
pub struct InvalidSnapshot;

/// The knowledge of a grey list, in pieces: each piece has the knowledge of one part at the time when it is read.
/// Reading a piece delays mail of that part only, and only one piece is in memory at a time.
#[derive(Debug)]
pub struct GreylistSnapshot {
    list: Greylist,
    next: usize,
}

impl GreylistSnapshot {
    pub(super) fn of(list: &Greylist) -> Self {
        Self {
            list: list.clone(),
            next: 0,
        }
    }
}

impl Iterator for GreylistSnapshot {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let part = self.list.part(self.next)?;
        self.next += 1;
        let octets = match self.next {
            1 => head(part.entries()),
            _ => octets(Vec::new(), part.entries()),
        };
        Some(octets)
    }
}

/// The first entries of a snapshot.
pub(super) fn head<'a>(entries: impl Iterator<Item = (&'a Key, &'a Entry)>) -> Vec<u8> {
    octets(HEAD.to_vec(), entries)
}

fn octets<'a>(mut octets: Vec<u8>, entries: impl Iterator<Item = (&'a Key, &'a Entry)>) -> Vec<u8> {
    octets.reserve(entries.size_hint().0 * ENTRY);
    for (key, entry) in entries {
        let state = match entry.state {
            State::Waiting => 0,
            State::Passed => 1,
            State::Network { returned } => returned.saturating_add(1).max(2),
        };
        octets.extend_from_slice(key);
        for number in [entry.network, entry.first, entry.last] {
            octets.extend_from_slice(&number.to_be_bytes());
        }
        octets.extend_from_slice(&state.to_be_bytes());
    }
    octets
}

/// The entries of a whole snapshot.
pub(super) fn entries(
    octets: &[u8],
) -> Result<impl Iterator<Item = (Key, Entry)>, InvalidSnapshot> {
    let entries = octets.strip_prefix(HEAD).ok_or(InvalidSnapshot)?;
    let (entries, rest) = entries.as_chunks::<ENTRY>();
    if !rest.is_empty() {
        return Err(InvalidSnapshot);
    }
    Ok(entries.iter().map(entry))
}

fn entry(octets: &[u8; ENTRY]) -> (Key, Entry) {
    let number = |octets: &[u8]| {
        octets
            .iter()
            .fold(0_u64, |number, octet| number << 8 | u64::from(*octet))
    };
    let (key, numbers) = octets.split_at(16);
    let mut kept = Key::default();
    kept.copy_from_slice(key);
    let state = match number(&numbers[24..]) {
        0 => State::Waiting,
        1 => State::Passed,
        more => State::Network {
            returned: u32::try_from(more - 1).unwrap_or(u32::MAX),
        },
    };
    let entry = Entry {
        network: number(&numbers[..8]),
        first: number(&numbers[8..16]),
        last: number(&numbers[16..24]),
        state,
    };
    (kept, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_snapshot_is_told() {
        let whole = [HEAD, &[0; ENTRY]].concat();
        assert_eq!(entries(&whole).unwrap().count(), 1);
        assert_eq!(entries(HEAD).unwrap().count(), 0);
        for octets in [&b""[..], b"koukan", &whole[..whole.len() - 1]] {
            assert_eq!(entries(octets).err(), Some(InvalidSnapshot));
        }
    }
}
