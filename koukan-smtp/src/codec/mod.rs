//! The wire format, without I/O: decodes octets into events, and encodes the other way.
//!
//! This module does not use sockets or tokio. Each decoder takes what it can from the front of a buffer and
//! leaves the rest. So the same octets give the same events, however the network splits them.
//!
//! | a server decodes | and encodes |
//! |---|---|
//! | [`ProxyHeader`], [`CommandDecoder`], [`DataDecoder`], [`BdatDecoder`] | [`encode_reply`] |
//!
//! | a client decodes | and encodes |
//! |---|---|
//! | [`ReplyParser`], [`Capabilities`] | [`CommandEncoder`], [`MailParameters`], [`HeaderScan`], [`DotStuffing`] |

mod bdat;
mod body;
mod capabilities;
mod command;
mod command_decoder;
mod command_encoder;
mod data;
mod dot_stuffing;
mod header_scan;
mod line;
mod mail_parameters;
mod proxy_header;
mod reply_encoder;
mod reply_parser;
mod xclient;

pub use self::{
    bdat::BdatDecoder,
    body::{BareLineEnds, BodyEvent, ContentFault},
    capabilities::{Capabilities, DeclaredLimits, SizeLimit},
    command::{Command, CommandError, OtherProtocol},
    command_decoder::CommandDecoder,
    command_encoder::CommandEncoder,
    data::DataDecoder,
    dot_stuffing::DotStuffing,
    header_scan::HeaderScan,
    line::{BrokenLine, Framed, LineError, LineFramer},
    mail_parameters::{Foreknowledge, MailParameters, Unsendable},
    proxy_header::{InvalidProxyHeader, ProxyHeader},
    reply_encoder::{LINE_MAX, encode_reply},
    reply_parser::{CodesDiffer, InvalidReply, ReplyParser},
    xclient::{InvalidXclient, Told, Xclient},
};

pub(crate) use self::xclient::ATTRIBUTES as XCLIENT_ATTRIBUTES;
