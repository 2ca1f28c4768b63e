//! What the server says about itself.

use koukan_core::reply::Reply;

use crate::server::Config;

/// The greeting of a new connection.
pub(super) fn greeting(config: &Config) -> Reply {
    Reply::service_ready().with_text(format!("{} ESMTP Koukan", config.name))
}

/// The answer to HELO, or to EHLO with what is offered.
///
/// *Source*: RFC 5321 section 4.1.1.1; RFC 2920, RFC 1870, RFC 6152, RFC 6531, RFC 2034, RFC 3030,
/// RFC 3207.
pub(super) fn answer(config: &Config, is_extended: bool, offers_tls: bool) -> Reply {
    let name = &config.name;
    let text = if is_extended {
        let size = config.limits.message_size;
        let tls = if offers_tls { "\nSTARTTLS" } else { "" };
        format!(
            "{name}\nPIPELINING\nSIZE {size}\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\nCHUNKING{tls}\nHELP"
        )
    } else {
        name.to_string()
    };
    Reply::hello().with_text(text)
}
