//! How the server introduces itself.

use koukan_core::reply::Reply;

use crate::{
    Protocol,
    server::{Config, Offer},
};

/// The greeting of a new connection.
pub(super) fn greeting(config: &Config) -> Reply {
    let protocol = match config.protocol {
        Protocol::Smtp => "ESMTP",
        Protocol::Lmtp => "LMTP",
    };
    Reply::service_ready().with_text(format!("{} {protocol} Koukan", config.name))
}

/// The reply to HELO, or to EHLO with the offer.
///
/// *Source*: RFC 5321 section 4.1.1.1.
pub(super) fn answer(config: &Config, is_extended: bool, offer: &Offer) -> Reply {
    let mut text = config.name.to_string();
    if is_extended {
        text += &offer.lines(&config.limits);
    }
    Reply::hello().with_text(text)
}
