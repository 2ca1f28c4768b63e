//! The commands of a client.

mod argument;
mod chunk;
mod error;
mod other_protocol;
mod parse;

pub use self::{error::CommandError, other_protocol::OtherProtocol};

use koukan_core::{
    context::ClientName,
    transaction::{Mail, Rcpt},
};

use super::Xclient;

/// A command, parsed.
///
/// *Source*: RFC 5321 section 4.1.1; BDAT by RFC 3030, STARTTLS by RFC 3207, AUTH by RFC 4954.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// EHLO or HELO.
    ///
    /// The name is kept as given: it should be a domain or an address literal, but mail must not
    /// be refused for it (RFC 5321 section 4.1.4), so nothing is checked here.
    Hello(ClientName),
    /// LHLO, which LMTP has in place of EHLO and HELO: RFC 2033.
    Lhlo(ClientName),
    /// MAIL, without the source route if there was one.
    Mail(Mail),
    /// RCPT, without the source route if there was one.
    Rcpt(Rcpt),
    /// DATA.
    Data,
    /// BDAT; its octets follow the command line.
    Bdat {
        /// How many octets follow.
        size: u64,
        /// Whether this is the last chunk of the message.
        is_last: bool,
    },
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// EXPN.
    Expn,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS.
    StartTls,
    /// XCLIENT, as Postfix has it.
    Xclient(Box<Xclient>),
    /// AUTH.
    Auth {
        /// The mechanism and, if there is one, the initial response, as the client wrote them.
        argument: Box<str>,
    },
}
