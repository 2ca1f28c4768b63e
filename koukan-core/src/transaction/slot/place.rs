//! Where the state of a command is stored.

use std::{ops::Deref, sync::Arc};

use super::Shared;

/// Stores commands: a single one, or several together with other parts of their transaction, so that one
/// allocation is enough.
pub(in crate::transaction) trait Home: Send + Sync {
    fn command(&self, index: usize) -> &Shared;
}

/// A command within its home.
#[derive(Clone)]
pub(in crate::transaction) struct Place {
    home: Arc<dyn Home>,
    index: usize,
}

impl Place {
    pub(in crate::transaction) fn new(home: Arc<dyn Home>, index: usize) -> Self {
        Self { home, index }
    }

    /// For a command that is stored alone.
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
