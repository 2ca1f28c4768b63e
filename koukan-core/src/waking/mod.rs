//! Waking: whoever gives something wakes the task that waits for it.
//!
//! There is no rule about which task polls what. A stage that gives a command, a reply or octets to
//! another one wakes it, and need not know whether both are in one task. So a task is often woken by
//! itself, in the middle of its own poll. [`Passes`] makes that cheap. It is put around a part of a
//! task that is polled as one, such as the call of a [`Driver`](crate::transaction::Driver), or
//! around the whole task ([`Root`]), and
//!
//! - polls the part only if it was woken since its last poll: a task that was woken for something
//!   else does not go through all of it in vain;
//! - polls it once more if it was woken while it was polled, without waking any task;
//! - wakes every task that polls it, so that several tasks may share it.
//!
//! | state of the part | event | effect |
//! |---|---|---|
//! | asleep | it is woken | all tasks that wait for it are woken; the first one polls it |
//! | woken, and not polled since | it is woken again | nothing: the tasks were already woken |
//! | being polled | it is woken | the task that polls it makes another pass |

mod passes;
mod root;
mod waiters;

pub(crate) use self::{
    passes::Notes,
    waiters::{Waiters, keep},
};
pub use self::{passes::Passes, root::Root};
