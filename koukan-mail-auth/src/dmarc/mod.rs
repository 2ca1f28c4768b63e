//! The policy of an author's domain for messages that do not authenticate as its own: DMARC, RFC 9989.

mod authors;
mod evaluate;
mod record;
mod walk;

pub use self::{
    authors::{AUTHORS_MAX, evaluate_all},
    evaluate::{DmarcAnswer, DmarcResult, Identifiers, evaluate},
    record::Policy,
};
