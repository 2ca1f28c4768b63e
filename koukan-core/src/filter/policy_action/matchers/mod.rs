//! Matchers that come with the library.

mod address;
mod earlier;
mod invalid;
mod num_rcpts;
mod session;
mod signal;

pub use self::{
    address::AddressMatcher,
    earlier::Earlier,
    invalid::InvalidPath,
    num_rcpts::NumRcpts,
    session::{NetworkAddress, OverTls, SmtpAuth},
    signal::SignalMatcher,
};

/// Which address of an envelope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum WhichAddress {
    /// The reverse-path.
    #[default]
    MailFrom,
    /// The forward-path of a recipient.
    RcptTo,
}
