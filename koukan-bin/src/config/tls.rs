//! TLS.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Place;

/// The certificates of a listener.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ListenerTls {
    /// Certificates: a client is shown the first that is for the name it asks for, or the first of all.
    /// They are read anew when their files change.
    pub certificate: Vec<CertificateFiles>,
    /// A file with the authorities, in PEM, whose certificates are believed of clients. It is read anew when
    /// it changes. Default: clients are not asked for certificates.
    #[schemars(with = "Option<String>")]
    pub client_ca: Option<Place<PathBuf>>,
    /// Whether clients must have a certificate of these. Default `optional`.
    #[schemars(with = "Option<ClientCertificate>")]
    pub client_certificate: Option<Place<ClientCertificate>>,
}

/// Whether clients must have a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientCertificate {
    /// They may. One that is not believed ends the connection.
    #[default]
    Optional,
    /// Others get no connection with TLS.
    Required,
}

impl ListenerTls {
    /// Whether clients without a certificate get no connection.
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
    /// A file with the certificate, and after it those that certify it, in PEM.
    #[schemars(with = "String")]
    pub file: Place<PathBuf>,
    /// A file with the private key, in PEM. Default: it stands in `file`, too.
    #[schemars(with = "Option<String>")]
    pub key: Option<Place<PathBuf>>,
}

/// From when on the sessions of a listener have TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsMode {
    /// From when the client says STARTTLS, which it need not.
    #[default]
    Offered,
    /// The same, and without it no mail is taken: as on port 587.
    Required,
    /// From the first octet on, as on port 465.
    Immediate,
}

/// How much of TLS is asked of SMTP servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsLevel {
    /// None is begun.
    Never,
    /// It is begun where the server offers STARTTLS, with any certificate; mail goes in clear where that
    /// fails.
    #[default]
    Opportunistic,
    /// It is begun, with any certificate, or no mail goes there.
    Required,
    /// It is begun, with a certificate that is believed and is for the name of the host, or no mail goes
    /// there.
    Verified,
}

impl CertificateFiles {
    /// The file of the private key.
    pub fn key(&self) -> &Place<PathBuf> {
        self.key.as_ref().unwrap_or(&self.file)
    }
}
