//! A value that is known from the start, or is set once later.

use std::sync::OnceLock;

/// A value that is usually known from the start, at no cost; otherwise it is set once.
#[derive(Debug)]
pub(super) struct Settled<T> {
    given: Option<T>,
    later: OnceLock<T>,
}

impl<T> Settled<T> {
    /// With a value, if there is one.
    pub(super) fn of(given: Option<T>) -> Self {
        Self {
            given,
            later: OnceLock::new(),
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.given.as_ref().or_else(|| self.later.get())
    }

    /// The value, which is made if there is none yet.
    pub(super) fn get_or(&self, make: impl FnOnce() -> T) -> &T {
        match &self.given {
            Some(given) => given,
            None => self.later.get_or_init(make),
        }
    }
}

impl<T> Default for Settled<T> {
    fn default() -> Self {
        Self::of(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_stays() {
        let given = Settled::of(Some(1));
        assert_eq!((given.get(), given.get_or(|| 2)), (Some(&1), &1));
        let later = Settled::default();
        assert_eq!(later.get(), None);
        assert_eq!((later.get_or(|| 2), later.get_or(|| 3)), (&2, &2));
        assert_eq!(later.get(), Some(&2));
    }
}
