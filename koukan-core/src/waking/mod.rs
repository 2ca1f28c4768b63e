//! Waking: whoever gives something wakes whoever waits for it.
//!
//! There is no rule about who polls what. A stage that gives a command, a reply or octets to another
//! wakes it, and need not know whether both are in one task. So a task is often woken by itself, in
//! the middle of its own poll. [`Passes`] keeps that cheap: it is put around a part of a task that is
//! polled as one, such as the call of a [`Driver`](crate::transaction::Driver), or around all of the
//! task ([`Root`]), and
//!
//! - polls the part only where it was woken since its last poll: a task that was woken for something
//!   else does not go through all of it in vain;
//! - polls it once more where it was woken while it was polled, and wakes no task for that;
//! - wakes every task that polls it, so that several may share it.
//!
//! | the part | is woken | and then |
//! |---|---|---|
//! | sleeps | | all tasks that wait for it are woken; the first one polls it |
//! | was woken, and was not polled since | again | nothing more: the tasks were woken |
//! | is being polled | | whoever polls it makes another pass |

mod passes;
mod root;
mod waiters;

pub(crate) use self::{
    passes::Notes,
    waiters::{Waiters, keep},
};
pub use self::{passes::Passes, root::Root};
