//! Random octets of the operating system, asked for many at a time.

use std::cell::RefCell;

/// Octets that are asked for in one system call.
const ASKED: usize = 512;

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { octets: [0; ASKED], used: ASKED })
    };
}

struct Pool {
    octets: [u8; ASKED],
    /// Octets at the front that were given out; they are zero.
    used: usize,
}

/// Octets fit for secrets, each given out once.
///
/// # Errors
///
/// Where the operating system has none.
pub(crate) fn octets<const N: usize>() -> Result<[u8; N], getrandom::Error> {
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
