//! The credentials that this agent uses with single hosts.

use koukan_core::signals::InvalidHostPort;
use koukan_smtp::client::{HostIdentities, HostIdentity};

use super::{StartError, certificates::CertificateFiles, logins::LoginFiles};
use crate::config::Destination;

/// Reads passwords, tokens and certificates, and follows their files. All endpoints share them.
pub(super) fn of(
    destinations: &[Destination],
    logins: &LoginFiles,
    certificates: &CertificateFiles,
) -> Result<HostIdentities, StartError> {
    let mut identities = HostIdentities::default();
    for rule in destinations.iter().filter(|rule| rule.has_identity()) {
        let Some(host) = &rule.host else { continue };
        let host = host.value.parse();
        let host = host.map_err(|error: InvalidHostPort| StartError::Config(error.to_string()))?;
        let mut identity = HostIdentity::default();
        if let Some(auth) = &rule.auth {
            identity = identity.with_login(logins.add(auth)?);
        }
        if let Some(files) = &rule.certificate {
            let own = certificates.read(std::slice::from_ref(files))?;
            identity = identity.with_certificates(own);
        }
        identities.set(&host, identity);
    }
    Ok(identities)
}
