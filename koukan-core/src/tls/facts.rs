//! The facts of a connection that has TLS.

use rustls::CommonState;

use crate::context::Tls;

/// Version and cipher suite, by their registered names.
pub(super) fn facts(connection: &CommonState) -> Tls {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite();
    let cipher = suite.and_then(|suite| suite.suite().as_str());
    // For version 1.3, rustls uses other names than the registry.
    let cipher = cipher.map(|name| name.replacen("TLS13_", "TLS_", 1));
    Tls {
        version: version.into(),
        cipher: cipher.unwrap_or_default().into(),
        client: None,
    }
}
