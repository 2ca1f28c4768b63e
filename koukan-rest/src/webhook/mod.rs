//! Webhooks: HTTP servers that are told of events, in order and at least once, or are sent mail.
//!
//! A [`Hook`] reads pages of the events that storage keeps, from a cursor of its own that is kept there as
//! well, and POSTs each page as JSON. A 2xx moves the cursor; anything else has the same page sent again,
//! later and later, up to five minutes apart. One that has taken nothing for too long, or answers 410, is given up:
//! it is called again when whoever operates the agent says so ([`HookBoard`](koukan_core::resource::HookBoard)).
//! Each hook is a task of its own, which holds one page: one that
//! is slow or gone holds up nobody else. Of several processes over one store one at a time calls it.
//!
//! ```json
//! {"type": "events", "timestamp": "2026-11-27T09:00:00Z", "data": {"events": [ … ], "next_cursor": "42"}}
//! ```
//!
//! A [`MailEndpoint`] delivers mail in the same way, each message by one request.
//!
//! Requests are signed as standard-webhooks (version 1.0.0) says: `webhook-id` is the same for a page however
//! often it is sent, `webhook-timestamp` is the time of sending in seconds, and `webhook-signature` holds
//! `v1,` and the HMAC-SHA-256 of these two and the content, in base64, for each of the [`Secrets`].
//!
//! | module | is |
//! |---|---|
//! | `secrets` | what requests are signed with |
//! | `request` | one request |
//! | `hook` | the task |
//! | `holding` | that this process calls it, of several |
//! | `mail` | an endpoint: mail as such requests |
//! | `pauses` | how long a hook waits that fails |
//! | `standing` | since when a hook fails, and whether it was given up |

mod holding;
mod hook;
mod mail;
mod pauses;
mod request;
mod secrets;
mod standing;

pub use self::{
    hook::{Hook, Target},
    mail::MailEndpoint,
    request::{NotTaken, Poster},
    secrets::{InvalidSecret, Secrets},
};
