//! The TLS configuration of Postfix.

use crate::tls::{Handshakes, Identity};

/// Lines of the configuration. Sessions are resumed if the other side does so.
pub(super) fn settings((identity, handshakes): (&Identity, Handshakes)) -> String {
    let reuse = match handshakes {
        Handshakes::Kept => "yes",
        Handshakes::Full | Handshakes::Resumed => "no",
    };
    include_str!("tls.cf")
        .replace("CERTIFICATE", &identity.certificate().display().to_string())
        .replace("KEY", &identity.key().display().to_string())
        .replace("REUSE", reuse)
}
