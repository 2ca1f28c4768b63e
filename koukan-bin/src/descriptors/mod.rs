//! File descriptors: how many the process may have, and how many each part of it.
//!
//! Each connection, of a client or to a destination, takes one; so does each file of the database,
//! and each file that message bodies spill to. When they run out, nothing works any more, whoever
//! has taken them: nobody can connect, nothing can be delivered, and the database cannot open its
//! files. So at its start an agent raises the limit as far as it can, and splits what is there
//! between its parts ([`Plan`]), so that no part can take those of another.

mod connector;
mod limit;
mod plan;

pub(crate) use self::{
    connector::Counted,
    limit::{attainable, raise},
    plan::Plan,
};
