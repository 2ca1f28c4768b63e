//! A transaction as a reader sees it, as JSON.

mod invalid;
mod message;
mod read;
mod write;

pub(super) use self::write::write_listed;
pub use self::{
    invalid::InvalidView,
    message::message_to_json,
    read::view_from_json,
    write::{full_view_to_json, listed_to_json, view_to_json},
};
