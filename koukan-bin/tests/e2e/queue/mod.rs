//! The queue in trouble: destinations that hang, a database that does not answer.

mod crowd;
mod hung;
mod locked;
mod setup;
