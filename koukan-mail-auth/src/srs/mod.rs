//! The Sender Rewriting Scheme: reverse-paths of forwarded messages.
//!
//! Who forwards a message to another host sends it from a host that the author's domain does not know, so that SPF
//! fails there. [`RewriteLayer`] gives such a message a reverse-path of a domain of one's own, which holds the
//! original one; [`Reversed`], a router's policy, finds that again where a notification comes back to it, and takes
//! only what was made here.
//!
//! ```text
//! alice@example.org  →  SRS0=HHHH=TT=example.org=alice@srs.example.com
//! SRS0=…@other.example  →  SRS1=HHHH=other.example==…@srs.example.com
//! ```
//!
//! HHHH is of an HMAC-SHA1 with a secret of one's own, over the rest; TT is the day. Secrets are changed by
//! putting a new one before the old, which is left there for as long as addresses hold ([`Srs::with_max_age`]).
//!
//! *Phases* of the filter: MAIL. Signals: none.
//!
//! *Source*: Meng Weng Wong, Shevek, "The Sender Rewriting Scheme"; the addresses are those of Mail::SRS and
//! libsrs2.
//!
//! | reply of the policy | when |
//! |---|---|
//! | [`Reply::no_such_user`](koukan_core::reply::Reply::no_such_user) | a rewritten address was not made here, or too long ago |

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
