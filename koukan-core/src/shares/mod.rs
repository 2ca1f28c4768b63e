//! Shares scarce resources between clients: [`Shares`].
//!
//! Connections, requests and memory are limited, and one client must not take them from all others.
//! A fixed limit for each client would either be so low that it hinders a client while nobody else
//! needs anything, or so high that a few clients take everything. So one client may use everything
//! except a headroom of an eighth. The headroom goes to the clients that have least:
//!
//! | in use so far | who is granted more |
//! |---|---|
//! | all but the headroom | everybody |
//! | some of the headroom | a client that then has no more than an equal share and, unless it had nothing before, no more than seven times what is left for others |
//! | all of it | nobody |
//!
//! So even if many clients take as much as they can, something is left for the next one. What was
//! granted is not taken back.
//!
//! A charge is granted or refused at once. Nobody waits for one: a client that holds one charge and
//! waits for another could wait for a client that does the same.
//!
//! # Example
//!
//! ```
//! use koukan_core::shares::{Client, Shares};
//!
//! let requests = Shares::new(80);
//! let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|ip| Client::at(ip.parse().unwrap()));
//! let held: Vec<_> = std::iter::from_fn(|| requests.charge(&one, 1)).collect();
//! assert_eq!(held.len(), 70);
//! assert!(requests.charge(&other, 1).is_some());
//! ```

mod client;
mod rule;

pub use self::client::Client;

use std::{collections::HashMap, fmt, hash::Hash, sync::Arc};

use foldhash::quality::RandomState;

use crate::sync::{Mutex, MutexGuard, PoisonError};

use self::rule::Standing;

/// An amount of something, shared between holders. Clones share it.
pub struct Shares<K: Eq + Hash = Client>(Arc<Inner<K>>);

struct Inner<K> {
    total: u64,
    state: Mutex<State<K>>,
}

struct State<K> {
    used: u64,
    /// Only those that hold something.
    holders: HashMap<K, u64, RandomState>,
}

/// The amount granted to a holder. Dropping it gives it back.
#[must_use = "what was granted is given back when this is dropped"]
pub struct Charge<K: Clone + Eq + Hash = Client> {
    shares: Shares<K>,
    holder: K,
    amount: u64,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    /// Shares of `total`.
    pub fn new(total: u64) -> Self {
        Self(Arc::new(Inner {
            total,
            state: Mutex::new(State {
                used: 0,
                holders: HashMap::default(),
            }),
        }))
    }

    /// Grants `holder` another `amount`, or refuses.
    pub fn charge(&self, holder: &K, amount: u64) -> Option<Charge<K>> {
        self.lock()
            .take(self.0.total, holder, amount)
            .then(|| Charge {
                shares: self.clone(),
                holder: holder.clone(),
                amount,
            })
    }

    /// An empty charge, which is never refused, and can grow.
    pub fn nothing(&self, holder: &K) -> Charge<K> {
        Charge {
            shares: self.clone(),
            holder: holder.clone(),
            amount: 0,
        }
    }

    /// The amount in use.
    pub fn used(&self) -> u64 {
        self.lock().used
    }

    /// The whole amount.
    pub fn total(&self) -> u64 {
        self.0.total
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Charge<K> {
    /// Grows by `amount`, or stays unchanged. Returns whether it was granted.
    pub fn grow(&mut self, amount: u64) -> bool {
        let shares = &self.shares;
        let is_granted = shares.lock().take(shares.0.total, &self.holder, amount);
        if is_granted {
            self.amount += amount;
        }
        is_granted
    }

    /// The amount granted.
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// Gives back everything above `amount`.
    pub fn shrink_to(&mut self, amount: u64) {
        if let Some(beyond) = self.amount.checked_sub(amount).filter(|beyond| *beyond > 0) {
            self.shares.lock().give_back(&self.holder, beyond);
            self.amount = amount;
        }
    }

    /// Hands it to another holder, if that one may have it; otherwise it is given back.
    #[must_use]
    pub fn hand_to(mut self, holder: &K) -> Option<Self> {
        if self.holder == *holder {
            return Some(self);
        }
        let is_granted = {
            let (total, mut state) = (self.shares.0.total, self.shares.lock());
            state.give_back(&self.holder, self.amount);
            state.take(total, holder, self.amount)
        };
        if !is_granted {
            self.amount = 0;
            return None;
        }
        self.holder = holder.clone();
        Some(self)
    }

    /// The holder's amount over all its charges.
    pub fn held(&self) -> u64 {
        self.shares.lock().held(&self.holder)
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    fn held(&self, holder: &K) -> u64 {
        self.holders.get(holder).copied().unwrap_or(0)
    }

    fn take(&mut self, total: u64, holder: &K, amount: u64) -> bool {
        let held = self.held(holder);
        let standing = Standing {
            total,
            used: self.used,
            holders: self.holders.len() as u64 + u64::from(held == 0),
            held,
        };
        let is_granted = standing.grants(amount);
        if is_granted && amount > 0 {
            self.used += amount;
            match self.holders.get_mut(holder) {
                Some(held) => *held += amount,
                None => drop(self.holders.insert(holder.clone(), amount)),
            }
        }
        is_granted
    }

    fn give_back(&mut self, holder: &K, amount: u64) {
        self.used -= amount;
        if let Some(held) = self.holders.get_mut(holder) {
            *held -= amount;
            if *held == 0 {
                self.holders.remove(holder);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Drop for Charge<K> {
    fn drop(&mut self) {
        if self.amount > 0 {
            self.shares.lock().give_back(&self.holder, self.amount);
        }
    }
}

impl<K: Eq + Hash> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash> fmt::Debug for Shares<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shares")
            .field("total", &self.0.total)
            .finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash + fmt::Debug> fmt::Debug for Charge<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("holder", &self.holder)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many charges of one as are granted.
    fn all<K: Clone + Eq + Hash>(shares: &Shares<K>, holder: K) -> Vec<Charge<K>> {
        std::iter::from_fn(|| shares.charge(&holder, 1)).collect()
    }

    #[test]
    fn one_has_all_but_the_headroom_and_others_have_that() {
        let shares = Shares::new(10_000);
        let hostile = all(&shares, "hostile");
        assert_eq!(hostile.len(), 8_750);
        let second = all(&shares, "second");
        assert!(second.len() > 1_000, "{}", second.len());
        let third = all(&shares, "third");
        assert!(third.len() > 100, "{}", third.len());
        // Nobody leaves nothing.
        assert!(shares.charge(&"fourth", 1).is_some());
        assert!(shares.charge(&"hostile", 1).is_none());
    }

    #[test]
    fn who_has_more_than_its_share_gets_none_of_the_headroom() {
        let shares = Shares::new(800);
        let mut first = all(&shares, 1);
        let _second = all(&shares, 2);
        // What the first gives back is not its own again while others want some of it.
        first.truncate(600);
        assert!(shares.charge(&2, 1).is_some());
        let _third = all(&shares, 3);
        assert!(shares.used() > 700);
        assert!(shares.charge(&1, 1).is_none());
        first.clear();
        assert!(shares.charge(&1, 1).is_some());
    }

    #[test]
    fn all_is_given_back() {
        let shares = Shares::new(100);
        let mut one = shares.charge(&'a', 10).unwrap();
        assert!(one.grow(5) && !one.grow(100));
        let other = shares.charge(&'a', 3).unwrap();
        assert_eq!((one.held(), shares.used()), (18, 18));
        let mut more = shares.nothing(&'a');
        assert!(more.grow(4));
        more.shrink_to(5);
        more.shrink_to(1);
        assert_eq!((more.amount(), shares.used()), (1, 19));
        drop(more);
        let one = one.hand_to(&'b').unwrap();
        assert_eq!((one.held(), other.held()), (15, 3));
        drop((one, other));
        assert_eq!(shares.used(), 0);
        assert!(shares.lock().holders.is_empty());
    }

    #[test]
    fn what_nobody_may_have_is_given_back_when_it_is_handed_on() {
        let shares = Shares::new(80);
        let full = all(&shares, 'a');
        let others: Vec<_> = (0..10_u8)
            .map(|of| shares.charge(&char::from(of), 1))
            .collect();
        assert_eq!(shares.used(), 80);
        let handed = others.into_iter().flatten().next().unwrap().hand_to(&'a');
        assert!(handed.is_none());
        drop(full);
        assert_eq!(shares.used(), 0);
    }
}
