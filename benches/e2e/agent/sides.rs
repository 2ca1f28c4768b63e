//! How an agent accepts mail, and how it passes it on.

use crate::tls::Handshakes;

use super::Setup;

/// The configuration of the listener.
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

/// The configuration of how hosts are found.
pub(super) fn routes(setup: Setup<'_>) -> &'static str {
    match setup.is_by_domain {
        true => "[{ router: { rules: [{ dest_domain: { mx: true, port: SINK_PORT } }] } }]",
        false => "[]",
    }
}

/// The configuration of the endpoint.
pub(super) fn output(setup: Setup<'_>) -> &'static str {
    match (setup.is_by_domain, setup.tls) {
        (true, None) => "allow_networks: [\"127.0.0.0/8\"]",
        (true, Some(_)) => "allow_networks: [\"127.0.0.0/8\"], tls: required",
        (false, None) => "host: [\"SINK\"]",
        (false, Some(_)) => "host: [\"SINK\"], tls: required",
    }
}

/// The rest of the configuration.
pub(super) fn besides(setup: Setup<'_>) -> String {
    let destination = match setup.tls {
        Some((_, Handshakes::Full | Handshakes::Resumed)) => {
            "destination: [{ host: \"SINK\", messages_per_connection: 1 }]\n"
        }
        Some((_, Handshakes::Kept)) | None => "",
    };
    let resolver = setup
        .dns
        .map(|dns| format!("resolver: {{ server: [\"{dns}\"] }}\n"));
    format!("{destination}{}", resolver.unwrap_or_default())
}
