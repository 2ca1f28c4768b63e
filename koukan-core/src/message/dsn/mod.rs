//! Notifications of what has become of a message: RFC 3464, in the envelope of RFC 6522.
//!
//! [`Report`] is a pure function of what is known: it writes one message to the sender of
//! another, which says for each recipient what has become of it, and why.
//!
//! | module | is |
//! |---|---|
//! | `notice` | the notification |
//! | `reported` | what is told of one recipient, for programs |
//! | `words` | what is told to people |
//! | `template` | the texts of that, which operators may replace and translate |
//! | `fields` | lines that cannot be broken out of, and are never too long |
//! | `form` | addresses and other text that is not ASCII, in ASCII |
//! | `part` | how the parts are encoded |
//! | `excerpt` | the header of the original message, and whether all of it can come back |
//! | `about` | what a notification that comes back was about |

mod about;
mod excerpt;
mod fields;
mod form;
mod notice;
mod part;
mod reported;
mod template;
mod words;

pub(super) use self::form::decode_escapes;
pub(crate) use self::{about::failed_recipients, excerpt::is_notification};
pub use self::{
    notice::Report,
    reported::{Action, Reported},
    template::{Template, TemplateError, Words},
};
