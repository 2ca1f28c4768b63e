//! Typed values attached to a reply.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

/// A small map from a type to one value of it; cloning it shares the values.
///
/// A StorageWriter attaches the handle for taking a message into custody in this way.
#[derive(Clone, Default)]
pub struct Extensions(Option<Arc<[Entry]>>);

type Entry = (TypeId, Arc<dyn Any + Send + Sync>);

impl Extensions {
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
