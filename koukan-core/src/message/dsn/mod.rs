//! Notifications of failure: RFC 3464, in the envelope of RFC 6522.
//!
//! [`FailureNotice`] is a pure function of what is known: it writes one message to the sender of
//! another, which says for each recipient that failed why it did.
//!
//! | module | is |
//! |---|---|
//! | `notice` | the notification |
//! | `fields` | lines that cannot be broken out of, and are never too long |
//! | `form` | addresses and other text that is not ASCII, in ASCII |
//! | `part` | how the parts are encoded |
//! | `excerpt` | the header of the original message |
//! | `about` | what a notification that comes back was about |

mod about;
mod excerpt;
mod fields;
mod form;
mod notice;
mod part;

pub(crate) use self::about::failed_recipients;
pub(super) use self::form::decode_escapes;
pub use self::notice::{FailedRecipient, FailureNotice};
