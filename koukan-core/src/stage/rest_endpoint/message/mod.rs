//! The message on its way upstream.

mod content;
mod progress;
mod send;

pub(super) use self::{
    content::Content,
    progress::Progress,
    send::{Message, SendError, send},
};
