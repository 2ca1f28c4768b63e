//! The configuration of TLS.

use std::path::PathBuf;

use koukan_core::signals::HostPort;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Config, Destination, Place, Smtp};

/// The certificates of a listener.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenerTls {
    /// Certificates. A client gets the first one that is for the name it asks for; if none is, the first of all. They
    /// are read again when their files change.
    pub certificate: Vec<CertificateFiles>,
    /// A file with the authorities whose client certificates are trusted, in PEM. It is read again when it changes.
    /// Default: clients are not asked for certificates.
    #[schemars(with = "Option<String>")]
    pub client_ca: Option<Place<PathBuf>>,
    /// Whether clients must have such a certificate. Default `optional`.
    #[schemars(with = "Option<ClientCertificate>")]
    pub client_certificate: Option<Place<ClientCertificate>>,
}

/// Whether clients must have a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientCertificate {
    /// They may have one. A certificate that is not trusted ends the connection.
    #[default]
    Optional,
    /// They must; clients without one get no connection with TLS.
    Required,
}

impl ListenerTls {
    /// Whether clients without a certificate are refused.
    pub(crate) fn is_client_certificate_required(&self) -> bool {
        let asked = self.client_certificate.as_ref();
        asked.is_some_and(|asked| asked.value == ClientCertificate::Required)
    }
}

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CertificateFiles {
    /// A file with the certificate, followed by its intermediate certificates, in PEM.
    #[schemars(with = "String")]
    pub file: Place<PathBuf>,
    /// A file with the private key, in PEM. Default: the key is in `file` too.
    #[schemars(with = "Option<String>")]
    pub key: Option<Place<PathBuf>>,
}

/// When TLS begins in the sessions of a listener.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsMode {
    /// When the client says STARTTLS; it need not.
    #[default]
    Offered,
    /// When the client says STARTTLS; without TLS no mail is accepted, as on port 587.
    Required,
    /// From the first octet on, as on port 465.
    Immediate,
}

/// When TLS begins on connections to SMTP servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServerTlsMode {
    /// With STARTTLS, if the server offers it.
    #[default]
    Offered,
    /// With the first octet, as at port 465. Nothing is ever sent in clear then.
    Immediate,
}

/// How much TLS is required of SMTP servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsLevel {
    /// TLS is not used.
    Never,
    /// TLS is used if the server offers STARTTLS, with any certificate; if that fails, mail is sent in clear. With
    /// `tls_mode: immediate` it is always used, with any certificate.
    #[default]
    Opportunistic,
    /// TLS is required, with any certificate; otherwise no mail is sent there.
    Required,
    /// TLS is required, with a trusted certificate for the name of the host; otherwise no mail is sent there.
    Verified,
}

impl Smtp {
    /// How much TLS is required of a host, and when it begins. `rule` is the one for this host, if there is one: if it
    /// excludes TLS, what the endpoint says of its beginning does not count.
    pub(crate) fn tls_with(&self, rule: Option<&Destination>) -> (TlsLevel, ServerTlsMode) {
        let level = rule.and_then(|rule| rule.tls.as_ref());
        let level = level.or(self.tls.as_ref()).map(|level| level.value);
        let is_excluded = rule.is_some_and(Destination::excludes_tls);
        let general = self.tls_mode.as_ref().filter(|_| !is_excluded);
        let mode = rule.and_then(|rule| rule.tls_mode.as_ref());
        let mode = mode.or(general).map(|mode| mode.value);
        (level.unwrap_or_default(), mode.unwrap_or_default())
    }
}

impl Config {
    /// The rule for a host.
    pub(crate) fn rule_of(&self, host: &HostPort) -> Option<&Destination> {
        let host = host.to_lower_case();
        self.destination.iter().find(|rule| {
            let named = rule
                .host
                .as_ref()
                .and_then(|named| named.value.parse().ok());
            named.is_some_and(|named: HostPort| named.to_lower_case() == host)
        })
    }
}

impl CertificateFiles {
    /// The file of the private key.
    pub fn key(&self) -> &Place<PathBuf> {
        self.key.as_ref().unwrap_or(&self.file)
    }
}
