//! DANE: the DNS names the certificates of mail hosts, and proves it.
//!
//! | the DNS proves | TLS with the host |
//! |---|---|
//! | its mail hosts, the host's address, and TLSA records of use | with a certificate that these name, or no mail goes there |
//! | the same, but the records are of no use | it is begun, with any certificate, or no mail goes there |
//! | its mail hosts, and addresses or records cannot be had, or are forged | no mail goes there; 451 4.4.3 |
//! | anything less | as the settings, or the domain's policy, say |
//!
//! A certificate that is vouched for by a record of usage 2 is for the host, or for the domain. Of a host whose
//! name is an alias the records stand at the name that it is an alias of, or else at its own.
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

/// What the DNS demands of TLS with a mail host of a domain, of which it proves that it is one; `None` where
/// it says nothing.
pub(super) async fn of(
    host: &HostPort,
    domain: &str,
    resolver: &dyn Resolver,
    patience: Duration,
) -> Result<Option<Security>, LookupError> {
    let found = match timeout(patience, resolver.addresses(&host.host)).await {
        Ok(Ok(found)) => found,
        // There will be nothing to connect to.
        Ok(Err(LookupError::NoSuchName)) => return Ok(None),
        // Not to be passed over: the next answer may be one that somebody has made up.
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
            // A name below one whose zone is proved may lie in another zone.
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
