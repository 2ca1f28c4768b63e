//! Matchers that come with the library.

mod address;
mod earlier;
mod header;
mod invalid;
mod num_rcpts;
mod rate;
mod session;
mod signal;
mod which_address;

pub use self::{
    address::AddressMatcher,
    earlier::Earlier,
    header::{HeaderCondition, HeaderMatcher, Pattern},
    invalid::InvalidPath,
    num_rcpts::NumRcpts,
    rate::OverRateMatcher,
    session::{NetworkAddress, Networks, OverTls, SmtpAuth},
    signal::SignalMatcher,
    which_address::WhichAddress,
};
pub use crate::filter::rate_limit::RateKey;
