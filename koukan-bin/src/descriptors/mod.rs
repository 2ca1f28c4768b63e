//! File descriptors: how many the process may have, and who may have how many of them.
//!
//! Each connection takes one, of a client or to a destination, as do the files of the database and
//! those that message bodies spill to. Where they run out, nothing works any more, whoever has taken
//! them: nobody can connect, nothing can be delivered, the database cannot open its files. So the
//! limit is raised as far as it can be when an agent starts, and what is left of it is split between
//! the parts ([`Plan`]), none of which can then take those of another.

mod connector;
mod limit;
mod plan;

pub(crate) use self::{
    connector::Counted,
    limit::{attainable, raise},
    plan::Plan,
};
