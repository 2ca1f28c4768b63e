//! How an agent takes mail, and how it passes it on.

use crate::tls::Handshakes;

use super::Setup;

/// What the configuration says of the listener.
pub(super) fn listener(setup: Setup<'_>) -> String {
    let Some((identity, _)) = setup.tls else {
        return String::new();
    };
    let (certificate, key) = (identity.certificate(), identity.key());
    format!(
        ", max_connections: 10000, tls: {{ certificate: [{{ file: \"{}\", key: \"{}\" }}] }}",
        certificate.display(),
        key.display(),
    )
}

/// What it says of the endpoint.
pub(super) fn output(setup: Setup<'_>) -> String {
    let tls = match setup.tls {
        Some(_) => ", tls: required",
        None => "",
    };
    format!("host: [\"SINK\"]{tls}")
}

/// What it says besides.
pub(super) fn besides(setup: Setup<'_>) -> String {
    match setup.tls {
        Some((_, Handshakes::Full | Handshakes::Resumed)) => {
            "destination: [{ host: \"SINK\", messages_per_connection: 1 }]\n".into()
        }
        Some((_, Handshakes::Kept)) | None => String::new(),
    }
}
