//! Notifications about a message: RFC 3464, in the format of RFC 6522.
//!
//! [`Report`] is a pure function: it writes a message to the sender of another one, which says for
//! each recipient what has happened, and why.
//!
//! | module | is |
//! |---|---|
//! | `notice` | the notification |
//! | `reported` | the fields about one recipient, for programs |
//! | `words` | the text for people |
//! | `template` | templates of that text, which operators may replace and translate |
//! | `fields` | lines that values cannot end early, and that are never too long |
//! | `form` | addresses and other text outside of ASCII, written in ASCII |
//! | `part` | how the parts are encoded |
//! | `excerpt` | the header of the original message, and whether the whole message can be returned |
//! | `about` | which recipients a returned notification is about |

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
