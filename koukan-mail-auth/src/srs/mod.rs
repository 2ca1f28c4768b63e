//! The Sender Rewriting Scheme: reverse-paths of forwarded messages.
//!
//! An agent that forwards a message sends it from a host that the author's domain does not list, so SPF fails at
//! the next host. [`RewriteLayer`] gives such a message a reverse-path in a domain of one's own that contains the
//! original one. When a notification comes back to that address, [`Reversed`], a policy of the router, finds the
//! original address again. It accepts only addresses that were made here.
//!
//! ```text
//! alice@example.org  →  SRS0=HHHH=TT=example.org=alice@srs.example.com
//! SRS0=…@other.example  →  SRS1=HHHH=other.example==…@srs.example.com
//! ```
//!
//! HHHH is the start of an HMAC-SHA1 over the rest, with a secret of one's own; TT is the day. To change the
//! secret, put a new one before the old one, and keep the old one for as long as addresses are valid
//! ([`Srs::with_max_age`]).
//!
//! *Phases* of the filter: MAIL. Signals: none.
//!
//! *Source*: Meng Weng Wong, Shevek, "The Sender Rewriting Scheme"; the addresses are those of Mail::SRS and
//! libsrs2.
//!
//! | reply of the policy | when |
//! |---|---|
//! | [`Reply::no_such_user`](koukan_core::reply::Reply::no_such_user) | a rewritten address was not made here, or is too old |

mod address;
mod layer;
mod reversed;
mod secrets;

pub use self::{
    address::{InvalidSrs, Srs},
    layer::{Rewrite, RewriteLayer},
    reversed::Reversed,
    secrets::{InvalidSecrets, Secrets},
};
