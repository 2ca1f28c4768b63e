//! Where the state of a command is kept.

use std::{ops::Deref, sync::Arc};

use super::Shared;

/// Keeps commands: one by itself, or several beside other things of their transaction, so that one piece
/// of memory is enough.
pub(in crate::transaction) trait Home: Send + Sync {
    fn command(&self, index: usize) -> &Shared;
}

/// A command in its home.
#[derive(Clone)]
pub(in crate::transaction) struct Place {
    home: Arc<dyn Home>,
    index: usize,
}

impl Place {
    pub(in crate::transaction) fn new(home: Arc<dyn Home>, index: usize) -> Self {
        Self { home, index }
    }

    /// For a command that is kept by itself.
    pub(super) fn of_one(shared: Shared) -> Self {
        Self::new(Arc::new(shared), 0)
    }
}

impl Deref for Place {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        self.home.command(self.index)
    }
}

impl Home for Shared {
    fn command(&self, _: usize) -> &Shared {
        self
    }
}
