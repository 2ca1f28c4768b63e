//! Webhooks: HTTP servers that are told of events, in order and at least once, or are sent mail.
//!
//! A [`Hook`] reads pages of the events that storage keeps, from a cursor that is stored there as well, and POSTs
//! each page as JSON. A 2xx moves the cursor on. After anything else the same page is sent again, at growing
//! intervals of up to five minutes. A webhook that has accepted nothing for too long, or answers 410, is given up; it
//! is called again when an operator says so ([`HookBoard`](koukan_core::resource::HookBoard)). Each webhook has a
//! task of its own, which holds one page, so a slow one holds up no other. If several processes share a store, one at
//! a time calls the webhook.
//!
//! ```json
//! {"type": "events", "timestamp": "2026-11-27T09:00:00Z", "data": {"events": [ … ], "next_cursor": "42"}}
//! ```
//!
//! A [`MailEndpoint`] delivers mail in the same way, each message by one request.
//!
//! Requests are signed according to standard-webhooks, version 1.0.0: `webhook-id` is the same for a page however
//! often it is sent; `webhook-timestamp` is the time of sending, in seconds; `webhook-signature` holds, for each of
//! the [`Secrets`], `v1,` and the HMAC-SHA-256 of these two and the content, in base64.
//!
//! | module | is |
//! |---|---|
//! | `secrets` | the keys with which requests are signed |
//! | `request` | one request |
//! | `hook` | the task |
//! | `holding` | the right to call it, which one of several processes has |
//! | `mail` | an endpoint that sends mail as such requests |
//! | `pauses` | how long a failing webhook waits |
//! | `standing` | since when a webhook fails, and whether it was given up |

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
