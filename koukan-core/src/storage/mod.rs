//! Storage.

mod backend;
pub mod record;

pub use self::backend::{Backend, BackendError, Census, Collected, Recovered, Retention};
