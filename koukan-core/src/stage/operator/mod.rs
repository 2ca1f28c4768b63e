//! The queue as whoever operates the agent sees it: the [`Operator`].
//!
//! It reads what storage keeps, whoever brought it, and asks nobody else: where a transaction is worked
//! on, what is shown is how it stands at this moment. Each change is reported to observers as
//! [`Operated`](crate::event::Operated).
//!
//! | refusal | when |
//! |---|---|
//! | forbidden | the caller may not operate the agent ([`Role::Operate`](crate::resource::Role)) |
//! | not found | there is no such transaction, or its message is not kept, or not whole yet |
//! | malformed | the cursor is none |
//! | conflict | the transaction cannot be changed so; to retry a destination that is suspended |
//! | unavailable | storage fails |

mod change;
mod destinations;
mod hooks;
mod list;
mod service;
mod show;
mod suppressions;

pub use self::service::Operator;
