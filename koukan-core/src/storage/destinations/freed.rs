//! Transactions that waited for hosts that answer again. Pure state, without I/O.

use std::{collections::VecDeque, mem};

use crate::storage::record::{SchedulingKey, TransactionId};

/// Transactions to be attempted as soon as there is room, by destination; the destinations take
/// turns.
#[derive(Debug, Default)]
pub(super) struct Freed {
    by_destination: VecDeque<(SchedulingKey, Vec<TransactionId>)>,
    len: usize,
}

impl Freed {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn contains(&self, key: &SchedulingKey, id: TransactionId) -> bool {
        let mut known = self.by_destination.iter();
        let known = known.find(|(of, _)| of == key);
        known.is_some_and(|(_, ids)| ids.contains(&id))
    }

    pub(super) fn add(&mut self, key: SchedulingKey, id: TransactionId) {
        self.len += 1;
        let mut known = self.by_destination.iter_mut();
        match known.find(|(of, _)| *of == key) {
            Some((_, ids)) => ids.push(id),
            None => self.by_destination.push_back((key, vec![id])),
        }
    }

    /// Takes at most `max`, except those for destinations in `full`.
    pub(super) fn take(
        &mut self,
        max: usize,
        full: &[SchedulingKey],
    ) -> Vec<(SchedulingKey, TransactionId)> {
        let mut taken = Vec::new();
        let (out, mut turns) = mem::take(&mut self.by_destination)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(key, _)| full.contains(key));
        while taken.len() < max
            && let Some((key, mut ids)) = turns.pop_front()
        {
            if let Some(id) = ids.pop() {
                taken.push((key.clone(), id));
                turns.push_back((key, ids));
            }
        }
        turns.retain(|(_, ids)| !ids.is_empty());
        turns.extend(out);
        self.by_destination = turns;
        self.len -= taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Sender};

    fn key(name: &str) -> SchedulingKey {
        SchedulingKey::of(&Context::new(Sender::new(name)), &[])
    }

    #[test]
    fn destinations_take_turns_unless_they_are_full() {
        let mut freed = Freed::default();
        for name in ["a", "a", "a", "a", "b", "c", "c"] {
            freed.add(key(name), TransactionId::random());
        }
        let of = |taken: Vec<(SchedulingKey, _)>| -> Vec<_> {
            taken.into_iter().map(|(key, _)| key).collect()
        };
        let keys = |names: &[&str]| -> Vec<_> { names.iter().map(|name| key(name)).collect() };
        assert_eq!(of(freed.take(4, &[])), keys(&["a", "b", "c", "a"]));
        assert_eq!(of(freed.take(9, &keys(&["a"]))), keys(&["c"]));
        assert_eq!(freed.len(), 2);
        assert!(freed.take(0, &[]).is_empty());
        assert_eq!(of(freed.take(9, &[])), keys(&["a", "a"]));
        assert!(freed.is_empty() && freed.by_destination.is_empty());
    }
}
