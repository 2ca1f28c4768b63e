//! What destinations have answered, for a while.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    time::Duration,
};

use tokio::time::Instant;

use super::found::Answer;

/// Addresses of which it is remembered that they were accepted, and as many of which something else is, unless
/// another number is given.
pub const MAX_ENTRIES: usize = 10_000;

/// For how long what a destination has said is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// That it takes mail for an address, or for all of a domain.
    pub accepted: Duration,
    /// That it takes none for an address.
    pub refused: Duration,
    /// That it could not be found out.
    pub unknown: Duration,
}

impl Default for Lives {
    /// A day, an hour, a minute.
    fn default() -> Self {
        Self {
            accepted: Duration::from_secs(24 * 60 * 60),
            refused: Duration::from_secs(60 * 60),
            unknown: Duration::from_secs(60),
        }
    }
}

/// Of what something is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// An address; its domain in lower case.
    Address(Box<str>),
    /// All of a domain.
    Domain(Box<str>),
    /// An address that cannot be there, in that domain.
    Nobody(Box<str>),
}

/// What is known. Each half is bounded, and forgets first what was learnt first.
#[derive(Debug)]
pub(super) struct Known {
    lives: Lives,
    accepted: Half,
    others: Half,
}

#[derive(Debug)]
struct Half {
    max: NonZeroUsize,
    entries: HashMap<Key, Entry>,
    by_age: BTreeMap<u64, Key>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    until: Instant,
    age: u64,
}

impl Known {
    pub(super) fn new(lives: Lives, max: NonZeroUsize) -> Self {
        Self {
            lives,
            accepted: Half::new(max),
            others: Half::new(max),
        }
    }

    /// The answer that is still believed.
    pub(super) fn find(&self, key: &Key) -> Option<Answer> {
        let now = Instant::now();
        let found = |half: &Half| {
            let entry = half.entries.get(key).filter(|entry| entry.until > now);
            entry.map(|entry| entry.answer.clone())
        };
        found(&self.accepted).or_else(|| found(&self.others))
    }

    /// Learns an answer, in place of what was known.
    pub(super) fn learn(&mut self, key: Key, answer: Answer) {
        let life = match &answer {
            Answer::Accepted => self.lives.accepted,
            Answer::Refused(_) => self.lives.refused,
            Answer::Unknown => self.lives.unknown,
        };
        let (half, other) = match answer {
            Answer::Accepted => (&mut self.accepted, &mut self.others),
            Answer::Refused(_) | Answer::Unknown => (&mut self.others, &mut self.accepted),
        };
        // What was accepted once is believed again when it can be asked again.
        if answer != Answer::Unknown {
            other.forget(&key);
        }
        half.learn(key, answer, Instant::now() + life);
    }
}

impl Half {
    fn new(max: NonZeroUsize) -> Self {
        Self {
            max,
            entries: HashMap::new(),
            by_age: BTreeMap::new(),
            next: 0,
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_age.remove(&entry.age);
        }
    }

    fn learn(&mut self, key: Key, answer: Answer, until: Instant) {
        self.forget(&key);
        while self.entries.len() >= self.max.get() {
            let Some((_, oldest)) = self.by_age.pop_first() else {
                break;
            };
            self.entries.remove(&oldest);
        }
        let age = self.next;
        self.next += 1;
        self.by_age.insert(age, key.clone());
        self.entries.insert(key, Entry { answer, until, age });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::reply::Reply;

    fn known(max: usize) -> Known {
        Known::new(Lives::default(), NonZeroUsize::new(max).unwrap())
    }

    fn address(name: impl ToString) -> Key {
        Key::Address(name.to_string().into())
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_has_a_life_of_its_own() {
        let (mut known, lives) = (known(10), Lives::default());
        let refused = Answer::Refused(Reply::no_such_user());
        for (name, answer) in [
            ("a", Answer::Accepted),
            ("b", refused.clone()),
            ("c", Answer::Unknown),
        ] {
            known.learn(address(name), answer);
        }
        let now = |known: &Known| ["a", "b", "c"].map(|name| known.find(&address(name)));
        assert_eq!(
            now(&known),
            [
                Some(Answer::Accepted),
                Some(refused.clone()),
                Some(Answer::Unknown)
            ]
        );
        advance(lives.unknown).await;
        assert_eq!(now(&known), [Some(Answer::Accepted), Some(refused), None]);
        advance(lives.refused).await;
        assert_eq!(now(&known), [Some(Answer::Accepted), None, None]);
        advance(lives.accepted).await;
        assert_eq!(now(&known), [None, None, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_displaces_nothing_that_was_accepted() {
        let mut known = known(4);
        known.learn(address("good"), Answer::Accepted);
        for guess in 0..100 {
            known.learn(address(guess), Answer::Refused(Reply::no_such_user()));
            assert!(known.others.entries.len() <= 4);
            assert_eq!(known.others.entries.len(), known.others.by_age.len());
        }
        assert_eq!(known.find(&address("good")), Some(Answer::Accepted));
        assert_eq!(known.find(&address(95)), None);
        assert!(known.find(&address(96)).is_some());
        // What is not known now does not make forgotten what was.
        known.learn(address("good"), Answer::Unknown);
        assert_eq!(known.find(&address("good")), Some(Answer::Accepted));
        known.learn(address("good"), Answer::Refused(Reply::no_such_user()));
        assert_ne!(known.find(&address("good")), Some(Answer::Accepted));
    }
}
