//! Which transaction has which idempotency key.

use std::collections::{HashMap, VecDeque};

use crate::storage::record::{IdempotencyKey, RequestDigest, TransactionId};

/// How many keys of one sender are remembered in addition to those of open transactions.
const REMEMBERED: usize = 10_000;

/// The keys of open transactions, and of the most recent ones that are no longer open, by sender.
#[derive(Default)]
pub(super) struct Keys(HashMap<Box<str>, OfSender>);

#[derive(Default)]
struct OfSender {
    known: HashMap<Box<str>, Keyed>,
    /// The keys of transactions that are no longer open, oldest first.
    remembered: VecDeque<(Box<str>, TransactionId)>,
}

/// A transaction that has a key, and the request that made it.
#[derive(Clone, Copy)]
struct Keyed {
    id: TransactionId,
    request: Option<RequestDigest>,
}

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Known {
    /// The transaction of the request that is repeated.
    Repeated(TransactionId),
    /// The transaction of another request.
    Reused(TransactionId),
}

impl Keys {
    pub(super) fn find(&self, sender: &str, key: &IdempotencyKey) -> Option<Known> {
        let first = self.0.get(sender)?.known.get(&key.key)?;
        Some(match key.repeats(first.request.as_ref()) {
            true => Known::Repeated(first.id),
            false => Known::Reused(first.id),
        })
    }

    /// Notes the key of a transaction, unless another transaction has it.
    pub(super) fn add(&mut self, sender: &str, key: &IdempotencyKey, id: TransactionId) {
        let of = self.of(sender);
        let request = key.request;
        let name = key.key.clone();
        of.known.entry(name).or_insert(Keyed { id, request });
    }

    /// Notes that the transaction is no longer open: its key is remembered until many others have
    /// come.
    pub(super) fn retire(&mut self, sender: &str, key: &str, id: TransactionId) {
        let of = self.of(sender);
        of.remembered.push_back((key.into(), id));
        while of.remembered.len() > REMEMBERED {
            if let Some((key, id)) = of.remembered.pop_front() {
                of.forget(&key, id);
            }
        }
    }

    /// Frees the key of a transaction.
    pub(super) fn forget(&mut self, sender: &str, key: &str, id: TransactionId) {
        self.of(sender).forget(key, id);
    }

    fn of(&mut self, sender: &str) -> &mut OfSender {
        if !self.0.contains_key(sender) {
            self.0.insert(sender.into(), OfSender::default());
        }
        self.0.entry(sender.into()).or_default()
    }
}

impl OfSender {
    fn forget(&mut self, key: &str, id: TransactionId) {
        if self.known.get(key).is_some_and(|known| known.id == id) {
            self.known.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_so_many_that_are_remembered() {
        let mut keys = Keys::default();
        let key = |number: usize| IdempotencyKey::from(&*format!("k{number}"));
        let ids: Vec<_> = (0..=REMEMBERED + 1)
            .map(|_| TransactionId::random())
            .collect();
        keys.add("open", &key(0), ids[0]);
        for (number, id) in ids.iter().enumerate() {
            keys.add("a", &key(number), *id);
            keys.retire("a", &key(number).key, *id);
        }
        for gone in [0, 1] {
            assert_eq!(keys.find("a", &key(gone)), None);
        }
        assert_eq!(keys.find("a", &key(2)), Some(Known::Repeated(ids[2])));
        assert_eq!(keys.find("open", &key(0)), Some(Known::Repeated(ids[0])));
    }

    #[test]
    fn a_key_that_another_has_by_now_stays() {
        let mut keys = Keys::default();
        let key = IdempotencyKey::from("k");
        let [first, second] = [(); 2].map(|()| TransactionId::random());
        keys.add("a", &key, first);
        keys.forget("a", "k", first);
        keys.add("a", &key, second);
        keys.forget("a", "k", first);
        assert_eq!(keys.find("a", &key), Some(Known::Repeated(second)));
    }
}
