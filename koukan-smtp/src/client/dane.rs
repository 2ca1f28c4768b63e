//! DANE: the DNS names the certificates of mail hosts, and proves it.
//!
//! | the DNS proves | TLS with the host |
//! |---|---|
//! | its mail hosts, the host's address, and usable TLSA records | with a certificate that these name, or no mail is sent there |
//! | the same, but the records are not usable | used, with any certificate, or no mail is sent there |
//! | its mail hosts, but addresses or records are not available, or are forged | no mail is sent there; 451 4.4.3 |
//! | anything less | as the settings, or the domain's policy, say |
//!
//! A certificate that a record of usage 2 vouches for must be for the host or the domain. If the host's name is an
//! alias, the records are looked up at the name that it stands for, and then at its own.
//!
//! *Source*: RFC 7672.

use std::time::Duration;

use koukan_core::{
    network::{LookupError, Proof, Resolver},
    reply::TlsVerdict,
    signals::HostPort,
    tls::ClientTls,
};
use tokio::time::timeout;

use super::security::Security;

/// What the DNS demands of TLS with a mail host, if it proves that the host is one of the domain's; `None` if it
/// demands nothing.
pub(super) async fn of(
    host: &HostPort,
    domain: &str,
    resolver: &dyn Resolver,
    patience: Duration,
) -> Result<Option<Security>, LookupError> {
    let found = match timeout(patience, resolver.addresses(&host.host)).await {
        Ok(Ok(found)) => found,
        // There is no address to connect to.
        Ok(Err(LookupError::NoSuchName)) => return Ok(None),
        // This must not be ignored: the next answer may be a forged one.
        Ok(Err(error)) => return Err(error),
        Err(late) => return Err(LookupError::failed(late)),
    };
    let at: &[&str] = match (&found.alias, found.proof) {
        (None, Proof::Secure) => &[&host.host],
        (Some(alias), Proof::Secure) => &[&alias.of, &host.host],
        (Some(alias), Proof::Insecure) if alias.proof == Proof::Secure => &[&host.host],
        _ => return Ok(None),
    };
    for base in at {
        let name = format!("_{}._tcp.{base}", host.port);
        let found = timeout(patience, resolver.tlsa(&name)).await;
        let found = found.unwrap_or_else(|late| Err(LookupError::failed(late)));
        let records = match found {
            Ok(answer) if answer.proof == Proof::Secure => answer.records,
            // A name below a secure zone may be in another zone.
            Ok(_) | Err(LookupError::NoSuchName) => continue,
            Err(error) => return Err(error),
        };
        if records.is_empty() {
            continue;
        }
        let names = [base, &*host.host, domain];
        return Ok(Some(match ClientTls::named_by(&records, &names) {
            Some(tls) => Security::Demanded(tls, TlsVerdict::Dane),
            None => Security::Demanded(ClientTls::unverified(), TlsVerdict::Unverified),
        }));
    }
    Ok(None)
}
