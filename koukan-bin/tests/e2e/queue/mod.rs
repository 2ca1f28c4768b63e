//! The queue in trouble, with destinations that hang and a database that does not answer; and the
//! commands of its operators.

mod crowd;
mod hung;
mod locked;
mod operated;
mod page;
mod said;
mod setup;
mod stopped;
