//! Events for those who ask for them: the [`EventReader`].
//!
//! It reads what storage keeps, a page at a time. Whoever waits holds nothing but its place: it is woken
//! when events are committed.
//!
//! | refusal | when |
//! |---|---|
//! | forbidden | the caller may not act for that sender |
//! | not found | storage keeps no events |
//! | malformed | the cursor is none |
//! | gone | events after the cursor were removed before they were asked for |
//! | unavailable | storage fails |

mod service;

pub use self::service::EventReader;
