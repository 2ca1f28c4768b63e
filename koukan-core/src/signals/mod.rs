//! What filters found out about a transaction: the write-once typed map [`Signals`].

mod destination;
mod parsed;
mod trace_id;

pub use crate::host_port::{HostPort, InvalidHostPort};

pub use self::{
    destination::{Destination, NamedBy},
    parsed::Parsed,
    trace_id::TraceId,
};

use std::{
    any::{Any, TypeId, type_name},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A type that can be written into [`Signals`], at most once for each transaction.
pub trait Signal: Any + Send + Sync {}

impl<T: Any + Send + Sync> Signal for T {}

/// A map from a type to one value of it, shared by everyone who works on a transaction.
///
/// A value is written once and never changes, so whoever read it need not look again. Clones
/// share the map.
///
/// # Example
///
/// ```
/// use koukan_core::signals::Signals;
///
/// #[derive(Debug, PartialEq)]
/// struct SpamScore(u8);
///
/// let signals = Signals::default();
/// signals.set(SpamScore(3)).unwrap();
/// assert_eq!(signals.find::<SpamScore>().as_deref(), Some(&SpamScore(3)));
/// assert!(signals.set(SpamScore(9)).is_err());
/// ```
#[derive(Clone, Default)]
pub struct Signals(Arc<Mutex<Entries>>);

type Entries = Vec<(TypeId, &'static str, Arc<dyn Any + Send + Sync>)>;

/// The signal was written before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signal {0} is already set")]
pub struct AlreadySet(&'static str);

impl Signals {
    /// Writes a signal.
    ///
    /// # Errors
    ///
    /// [`AlreadySet`] if there is a value of this type; it stays as it is.
    pub fn set<T: Signal>(&self, value: T) -> Result<(), AlreadySet> {
        let mut entries = self.lock();
        let id = TypeId::of::<T>();
        if entries.iter().any(|(other, ..)| *other == id) {
            return Err(AlreadySet(type_name::<T>()));
        }
        entries.push((id, type_name::<T>(), Arc::new(value)));
        Ok(())
    }

    /// Reads a signal, if it is set.
    pub fn find<T: Signal>(&self) -> Option<Arc<T>> {
        let id = TypeId::of::<T>();
        let found = {
            let entries = self.lock();
            let (.., value) = entries.iter().find(|(other, ..)| *other == id)?;
            Arc::clone(value)
        };
        found.downcast().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.lock().iter().map(|(_, name, _)| *name))
            .finish()
    }
}
