//! What the domain of an author asks for where a message does not authenticate as its own: DMARC, RFC 9989.

mod evaluate;
mod record;
mod walk;

pub use self::{
    evaluate::{DmarcAnswer, DmarcResult, Identifiers, evaluate},
    record::Policy,
};
