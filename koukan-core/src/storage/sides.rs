//! The sides of a live transaction, and the tasks that wait on each.

use crate::waking::Waiters;

/// Who changes a transaction, or waits for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
    /// Readers, and interventions from outside.
    Reader,
}

/// The waiting tasks, by side.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    input: Waiters,
    output: Waiters,
    readers: Waiters,
}

impl Waiting {
    pub(super) fn of(&mut self, side: Side) -> &mut Waiters {
        match side {
            Side::Input => &mut self.input,
            Side::Output => &mut self.output,
            Side::Reader => &mut self.readers,
        }
    }

    /// Takes out the waiting tasks, except those of this side.
    pub(super) fn take_all_but(&mut self, own: Option<Side>) -> Self {
        let mut taken = Self {
            readers: self.readers.take(),
            ..Self::default()
        };
        if own != Some(Side::Input) {
            taken.input = self.input.take();
        }
        if own != Some(Side::Output) {
            taken.output = self.output.take();
        }
        taken
    }

    pub(super) fn wake(self) {
        let Self {
            input,
            output,
            readers,
        } = self;
        input.wake();
        output.wake();
        readers.wake();
    }
}
