//! The queue in trouble: destinations that hang, a database that does not answer; and those who look after
//! it.

mod crowd;
mod hung;
mod locked;
mod operated;
mod page;
mod said;
mod setup;
mod stopped;
