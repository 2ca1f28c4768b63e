//! The commands of a client.

mod argument;
mod error;
mod parse;

pub use self::error::CommandError;

use koukan_core::path::{ForwardPath, Parameters, ReversePath};

/// A command, parsed.
///
/// *Source*: RFC 5321 section 4.1.1; BDAT by RFC 3030, STARTTLS by RFC 3207, AUTH by RFC 4954.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// EHLO or HELO.
    Hello(ClientGreeting),
    /// MAIL.
    Mail {
        /// Where the message comes from, without a source route.
        reverse_path: ReversePath,
        /// Its parameters.
        parameters: Parameters,
    },
    /// RCPT.
    Rcpt {
        /// Where the message goes to, without a source route.
        forward_path: ForwardPath,
        /// Its parameters.
        parameters: Parameters,
    },
    /// DATA.
    Data,
    /// BDAT; its octets follow the command line.
    Bdat {
        /// How many octets follow.
        size: u64,
        /// Whether the message ends with them.
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
    /// AUTH.
    Auth {
        /// The mechanism, and the initial response where there is one, as written.
        argument: Box<str>,
    },
}

/// How a client introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGreeting {
    /// The name as given: meant to be a domain or an address literal, but not checked, since
    /// mail must not be refused for it (RFC 5321 section 4.1.4).
    pub name: Box<str>,
    /// Whether by EHLO.
    pub is_extended: bool,
}
