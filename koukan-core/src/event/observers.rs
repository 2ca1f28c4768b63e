//! The observers of events.

use std::{fmt, sync::Arc};

use super::Event;

/// Is told what happens.
///
/// It is called in the task in which the event happens, and that task waits for it. So it must not
/// block. Work that takes time belongs in a task of its own, behind a bounded queue.
///
/// # Panics
///
/// If it panics, the transaction or connection that the event is about is lost.
///
/// # Example
///
/// Counts deliveries. Whoever wants to read the count keeps an `Arc` of the observer: an `Arc` of one is an observer, too.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering::Relaxed}};
///
/// use koukan_core::event::{Event, Observer, Observers};
///
/// #[derive(Debug, Default)]
/// struct Deliveries(AtomicU64);
///
/// impl Observer for Deliveries {
///     fn observe(&self, event: &Event<'_>) {
///         // There will be other kinds of events in later versions.
///         if let Event::Delivered(_) = event {
///             self.0.fetch_add(1, Relaxed);
///         }
///     }
/// }
///
/// let deliveries = Arc::new(Deliveries::default());
/// let observers = Observers::new(Arc::clone(&deliveries));
/// assert!(!observers.is_empty());
/// assert_eq!(deliveries.0.load(Relaxed), 0);
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Something has happened.
    fn observe(&self, event: &Event<'_>);

    /// Whether it wants reports of transactions now. It is asked at the beginning of each. If no
    /// observer wants them, nothing is recorded for the end of the transaction, and the end is not
    /// reported.
    fn follows_transactions(&self) -> bool {
        true
    }
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }

    fn follows_transactions(&self) -> bool {
        (**self).follows_transactions()
    }
}

/// A list of observers, empty by default.
///
/// Clones share them.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use koukan_core::{event::Observers, observer::Log};
///
/// let observers = Observers::new(Log).with(Arc::new(Log));
/// assert!(Observers::default().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Observers(Option<Arc<[Arc<dyn Observer>]>>);

impl Observers {
    /// One observer.
    pub fn new(observer: impl Observer) -> Self {
        Self::default().with(Arc::new(observer))
    }

    /// Adds an observer, which is told after the others.
    #[must_use]
    pub fn with(self, observer: Arc<dyn Observer>) -> Self {
        let others = self.all().iter().cloned();
        Self(Some(others.chain([observer]).collect()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether any of them wants to be told of transactions.
    pub fn follow_transactions(&self) -> bool {
        let mut all = self.all().iter();
        all.any(|observer| observer.follows_transactions())
    }

    /// Tells all observers.
    pub fn tell(&self, event: &Event<'_>) {
        for observer in self.all() {
            observer.observe(event);
        }
    }

    fn all(&self) -> &[Arc<dyn Observer>] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<T: Observer> From<T> for Observers {
    fn from(observer: T) -> Self {
        Self::new(observer)
    }
}

/// Equal if they are the same objects.
impl PartialEq for Observers {
    fn eq(&self, other: &Self) -> bool {
        let (own, others) = (self.all(), other.all());
        let mut pairs = own.iter().zip(others);
        own.len() == others.len() && pairs.all(|(own, other)| Arc::ptr_eq(own, other))
    }
}

impl Eq for Observers {}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}
