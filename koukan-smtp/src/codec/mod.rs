//! The wire format without I/O: octets in, events out, and back.
//!
//! Nothing here knows of sockets or of tokio. Each decoder takes what it can use from the front of
//! a buffer and leaves the rest, so the same octets give the same events however a network cuts
//! them up.

mod bdat;
mod body;
mod command;
mod command_decoder;
mod data;
mod line;
mod reply_encoder;

pub use self::{
    bdat::BdatDecoder,
    body::{BareLineEnds, BodyEvent, ContentFault},
    command::{Command, CommandError},
    command_decoder::CommandDecoder,
    data::DataDecoder,
    line::{Framed, LineError, LineFramer},
    reply_encoder::{LINE_MAX, encode_reply},
};
