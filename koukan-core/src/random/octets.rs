//! The operating system's random octets, requested many at a time.

use std::cell::RefCell;

/// Octets that are asked for in one system call.
const ASKED: usize = 512;

thread_local! {
    /// The seed of a simulation's octets.
    #[cfg(feature = "test-util")]
    static SEEDED: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { octets: [0; ASKED], used: ASKED })
    };
}

struct Pool {
    octets: [u8; ASKED],
    /// Octets at the front that were used; they are zeroed.
    used: usize,
}

/// Random octets for secrets, each used once.
///
/// # Errors
///
/// Where the operating system has none.
pub(crate) fn octets<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    #[cfg(feature = "test-util")]
    if let Some(octets) = seeded() {
        return Ok(octets);
    }
    POOL.with_borrow_mut(|pool| {
        if ASKED - pool.used < N {
            getrandom::fill(&mut pool.octets)?;
            pool.used = 0;
        }
        let (start, end) = (pool.used, pool.used + N);
        pool.used = end;
        let mut octets = [0; N];
        octets.swap_with_slice(&mut pool.octets[start..end]);
        Ok(octets)
    })
}

/// Whether this thread's octets follow from a seed.
pub(crate) fn is_seeded() -> bool {
    #[cfg(feature = "test-util")]
    return SEEDED.get().is_some();
    #[cfg(not(feature = "test-util"))]
    false
}

/// Sets or removes the seed of this thread's octets. Returns the previous state.
#[cfg(feature = "test-util")]
pub(crate) fn seed_octets(seed: Option<u64>) -> Option<u64> {
    SEEDED.replace(seed)
}

#[cfg(feature = "test-util")]
fn seeded<const N: usize>() -> Option<[u8; N]> {
    let mut state = SEEDED.get()?;
    let mut octets = [0; N];
    for piece in octets.chunks_mut(8) {
        state = state.wrapping_add(super::STEP);
        piece.copy_from_slice(&super::mix(state).to_be_bytes()[..piece.len()]);
    }
    SEEDED.set(Some(state));
    Some(octets)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn gives_out_nothing_twice() {
        let given = (0..1000).map(|_| octets::<16>().unwrap());
        assert_eq!(given.collect::<BTreeSet<_>>().len(), 1000);
    }
}
