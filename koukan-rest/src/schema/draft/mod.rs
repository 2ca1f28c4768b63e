//! What is said of a transaction, as JSON.

mod body;
mod command;
mod read;
mod session;
mod write;

pub use self::{
    read::{append_from_json, create_from_json},
    write::{append_to_json, create_to_json},
};
