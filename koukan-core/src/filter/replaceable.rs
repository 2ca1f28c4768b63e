//! Values that can be replaced while they are in use: [`Replaceable`].

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// A value that is replaced as a whole, for example a list that is read from a file. Clones share
/// it.
///
/// # Example
///
/// ```
/// use koukan_core::filter::Replaceable;
///
/// let number = Replaceable::new(1);
/// let same = number.clone();
/// same.replace(2);
/// assert_eq!(*number.current(), 2);
/// ```
pub struct Replaceable<T>(Arc<RwLock<Arc<T>>>);

impl<T> Replaceable<T> {
    /// Starts with this value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// The current value.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the value for later readers.
    pub fn replace(&self, value: T) {
        let value = Arc::new(value);
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, value);
        drop(current);
        // The old value is dropped without the lock.
        drop(old);
    }
}

impl<T> Clone for Replaceable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Replaceable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}
