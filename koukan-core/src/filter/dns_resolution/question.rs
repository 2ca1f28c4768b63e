//! The look-ups. The caller limits the time.

use std::net::IpAddr;

use futures_util::{StreamExt, stream::FuturesUnordered};

use crate::{
    network::{LookupError, Mx, Resolver, to_ascii_domain},
    path::{Domain, Mailbox, domain_key},
};

use super::{Resolution, of_recipients::Question};

/// How many hosts of a domain are looked up, the most preferred first.
const HOSTS_MAX: usize = 5;

impl Question {
    /// The question for the domain of a mailbox; or its result, where no query is needed.
    pub(super) fn of_mailbox(mailbox: &Mailbox) -> Result<Self, Resolution> {
        match mailbox.domain() {
            Domain::Name(name) => Ok(Self::MailDomain(domain_key(name).into())),
            Domain::Address(_) => Err(Resolution::Ok),
            Domain::General(_) => Err(Resolution::Nx),
        }
    }

    /// Asks the DNS.
    pub(super) async fn ask(&self, resolver: &dyn Resolver) -> Resolution {
        let (Self::MailDomain(name) | Self::Host(name)) = self;
        if name.parse::<IpAddr>().is_ok() {
            return Resolution::Ok;
        }
        let Ok(ascii) = to_ascii_domain(name) else {
            return Resolution::Nx;
        };
        match self {
            Self::MailDomain(_) => mail_domain(&ascii, resolver).await,
            Self::Host(_) => host(&ascii, resolver).await,
        }
    }
}

async fn mail_domain(name: &str, resolver: &dyn Resolver) -> Resolution {
    let mut records = match resolver.mx(name).await {
        Ok(answer) => answer.records,
        Err(LookupError::NoSuchName) => return Resolution::Nx,
        // The operating system's resolver knows addresses only.
        Err(LookupError::Unsupported) => return host(name, resolver).await,
        Err(LookupError::Failed(_)) => return Resolution::Temp,
    };
    if records.is_empty() {
        return host(name, resolver).await;
    }
    let is_null = |record: &Mx| record.host.trim_end_matches('.').is_empty();
    if records.iter().all(is_null) {
        return Resolution::NullMx;
    }
    // Besides other records it means nothing: RFC 7505 section 3.
    records.retain(|record| !is_null(record));
    records.sort_by_key(|record| record.preference);
    let hosts = records.iter().take(HOSTS_MAX);
    any(hosts.map(|record| host(&record.host, resolver))).await
}

async fn host(name: &str, resolver: &dyn Resolver) -> Resolution {
    match resolver.addresses(name).await {
        Ok(answer) if answer.records.is_empty() => Resolution::Nx,
        Ok(_) => Resolution::Ok,
        Err(LookupError::NoSuchName) => Resolution::Nx,
        Err(_) => Resolution::Temp,
    }
}

/// Asks for several hosts at once. One that is found is enough, so a silent one delays nothing.
pub(super) async fn any(
    asked: impl Iterator<Item = impl Future<Output = Resolution>>,
) -> Resolution {
    let mut asked: FuturesUnordered<_> = asked.collect();
    let mut best = None;
    while let Some(found) = asked.next().await {
        best = Some(best.map_or(found, |best: Resolution| best.or(found)));
        if best == Some(Resolution::Ok) {
            break;
        }
    }
    best.unwrap_or(Resolution::Nx)
}
