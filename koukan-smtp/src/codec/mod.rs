//! SMTP without I/O: bytes in, commands and replies out, and the other way round.

mod capabilities;
mod command_encoder;
mod dot_stuffing;
mod mail_parameters;
mod reply_parser;

pub use self::{
    capabilities::{Capabilities, Limits, SizeLimit},
    command_encoder::CommandEncoder,
    dot_stuffing::DotStuffing,
    mail_parameters::{MailParameters, Unsendable},
    reply_parser::{InvalidReply, ReplyParser},
};
