//! Typed values attached to a reply.

use std::{
    any::{Any, TypeId},
    fmt,
    sync::Arc,
};

/// A small map from types to one value each. Clones share the values.
///
/// For example, a StorageWriter attaches the handle for taking custody.
#[derive(Clone, Default)]
pub struct Extensions(Option<Arc<[Entry]>>);

type Entry = (TypeId, Arc<dyn Any + Send + Sync>);

impl Extensions {
    /// One value.
    pub fn of<T: Send + Sync + 'static>(value: T) -> Self {
        let mut extensions = Self::default();
        extensions.insert(value);
        extensions
    }

    /// Adds a value, replacing an earlier one of the same type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.insert(value);
        self
    }

    /// The value of type `T`, if one was attached.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        let wanted = TypeId::of::<T>();
        let (_, value) = self.entries().iter().find(|(id, _)| *id == wanted)?;
        value.downcast_ref()
    }

    pub(super) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        let id = TypeId::of::<T>();
        let new: Entry = (id, Arc::new(value));
        self.0 = Some(match self.entries() {
            [] => Arc::new([new]),
            entries => {
                let others = entries.iter().filter(|(other, _)| *other != id);
                others.cloned().chain([new]).collect()
            }
        });
    }

    /// Adds all of `others`, each replacing an earlier one of the same type.
    pub(super) fn add(&mut self, others: &Self) {
        self.0 = match (self.entries(), others.entries()) {
            ([], _) => others.0.clone(),
            (_, []) => return,
            (own, others) => {
                let is_new = |(id, _): &&Entry| others.iter().all(|(other, _)| other != id);
                let kept = own.iter().filter(is_new);
                Some(kept.chain(others).cloned().collect())
            }
        };
    }

    pub(super) fn remove<T: 'static>(&mut self) {
        if self.get::<T>().is_none() {
            return;
        }
        let id = TypeId::of::<T>();
        let others = self.entries().iter().filter(|(other, _)| *other != id);
        let others: Arc<[Entry]> = others.cloned().collect();
        self.0 = (!others.is_empty()).then_some(others);
    }

    fn entries(&self) -> &[Entry] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").finish_non_exhaustive()
    }
}
