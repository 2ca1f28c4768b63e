//! A cache of destinations' answers.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    time::Duration,
};

use tokio::time::Instant;

use super::found::Answer;

/// How many accepted addresses are remembered, and how many others, unless another number is set.
pub const MAX_ENTRIES: usize = 10_000;

/// How long answers are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// That mail for an address, or a whole domain, is accepted.
    pub accepted: Duration,
    /// That mail for an address is refused.
    pub refused: Duration,
    /// That the answer is unknown.
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

/// What an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// An address; its domain in lower case.
    Address(Box<str>),
    /// A whole domain.
    Domain(Box<str>),
    /// An address that cannot exist, in this domain.
    Nobody(Box<str>),
}

/// After this many addresses of a domain without any reply, and no reply in between, its destination counts as silent.
/// A single address may be a trap that hangs whoever asks for it.
const SILENT_MAX: usize = 3;

/// The cache. Each part is limited, and forgets the oldest entries first.
#[derive(Debug)]
pub(super) struct Known {
    lives: Lives,
    accepted: Part<Answer>,
    others: Part<Answer>,
    /// The addresses of a domain for which no reply came.
    silent: Part<Vec<Key>>,
}

#[derive(Debug)]
struct Part<V> {
    max: NonZeroUsize,
    entries: HashMap<Key, Entry<V>>,
    by_age: BTreeMap<u64, Key>,
    next: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    until: Instant,
    age: u64,
}

impl Known {
    pub(super) fn new(lives: Lives, max: NonZeroUsize) -> Self {
        Self {
            lives,
            accepted: Part::new(max),
            others: Part::new(max),
            silent: Part::new(max),
        }
    }

    /// The answer that is still believed.
    pub(super) fn find(&self, key: &Key) -> Option<Answer> {
        let found = self.accepted.find(key).or_else(|| self.others.find(key));
        found.cloned()
    }

    /// Notes that no reply came for an address. After several addresses this applies to the whole domain.
    pub(super) fn learn_silence(&mut self, domain: &str, address: Key) {
        let of_domain = Key::Domain(domain.into());
        let mut silent = self.silent.find(&of_domain).cloned().unwrap_or_default();
        if !silent.contains(&address) {
            silent.push(address.clone());
        }
        self.learn(address, Answer::Unknown);
        if silent.len() < SILENT_MAX {
            let until = Instant::now() + self.lives.unknown;
            return self.silent.learn(of_domain, silent, until);
        }
        self.silent.forget(&of_domain);
        self.learn(of_domain, Answer::Unknown);
    }

    /// Notes that the domain's destination has replied.
    pub(super) fn learn_voice(&mut self, domain: &str) {
        self.silent.forget(&Key::Domain(domain.into()));
    }

    /// Stores an answer, replacing an earlier one.
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
        // An accepted address may be used again once it can be asked again.
        if answer != Answer::Unknown {
            other.forget(&key);
        }
        half.learn(key, answer, Instant::now() + life);
    }
}

impl<V> Part<V> {
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

    fn find(&self, key: &Key) -> Option<&V> {
        let entry = self.entries.get(key)?;
        (entry.until > Instant::now()).then_some(&entry.value)
    }

    fn learn(&mut self, key: Key, value: V, until: Instant) {
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
        self.entries.insert(key, Entry { value, until, age });
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
    async fn a_domain_is_silent_when_several_of_its_addresses_are() {
        let (mut known, lives) = (known(10), Lives::default());
        let domain = Key::Domain("x".into());
        let silence = |known: &mut Known, name: &str| known.learn_silence("x", address(name));
        // Again and again the same one.
        for _ in 0..5 {
            silence(&mut known, "trap");
        }
        silence(&mut known, "a");
        assert_eq!(known.find(&address("trap")), Some(Answer::Unknown));
        assert_eq!(known.find(&domain), None);
        // Somebody has answered for the domain.
        known.learn_voice("x");
        silence(&mut known, "b");
        silence(&mut known, "c");
        assert_eq!(known.find(&domain), None);
        // What is long ago does not count.
        advance(lives.unknown).await;
        silence(&mut known, "d");
        silence(&mut known, "e");
        known.learn_silence("other", address("o"));
        assert_eq!(known.find(&domain), None);
        silence(&mut known, "f");
        assert_eq!(known.find(&domain), Some(Answer::Unknown));
        advance(lives.unknown).await;
        assert_eq!(known.find(&domain), None);
        silence(&mut known, "g");
        assert_eq!(known.find(&domain), None);
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
