//! What a client sends about a transaction, as JSON.

mod body;
mod command;
mod read;
mod send_at;
mod session;
mod write;

pub(crate) use self::write::sender_to_json;
pub(super) use self::{
    command::to_json as mailbox_to_json, send_at::time as time_to_send, session::tag as sender_tag,
    write::host_to_json,
};
pub use self::{
    read::{append_from_json, create_from_json},
    write::{append_to_json, create_to_json},
};
