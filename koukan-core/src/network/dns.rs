//! DNS servers are asked, and what they answer is kept as long as it holds.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use async_trait::async_trait;
use hickory_resolver::{
    Resolver as Hickory, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    lookup::Lookup,
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, Record},
    },
};

use super::{Answer, LookupError, Mx, Resolver, Tlsa};

/// Asks DNS servers: those of `/etc/resolv.conf`, or others. Clones share what was answered.
///
/// Hosts without a dot in their names are looked up in the domains of `/etc/resolv.conf` too, and those
/// of `/etc/hosts` are known. Answers are not proved: the servers are not believed that.
#[derive(Debug, Clone)]
pub struct DnsResolver(TokioResolver);

/// Which DNS servers are asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsSettings {
    /// The servers. Default: those of the system.
    pub servers: Vec<SocketAddr>,
    /// How long one of them is waited for. Default 3 seconds.
    pub timeout: Duration,
    /// How many times each is asked again. Default 2.
    pub attempts: usize,
    /// Answers that are kept, at most. Default 8192.
    pub cache: u64,
    /// How long an answer is kept, at most; one that there is none, a tenth of it. Default 1 hour.
    pub max_ttl: Duration,
}

impl Default for DnsSettings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(3),
            attempts: 2,
            cache: 8192,
            max_ttl: Duration::from_secs(3600),
        }
    }
}

/// There is no DNS server to ask.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell which DNS servers to ask")]
pub struct NoDns(#[source] NetError);

impl DnsResolver {
    /// A resolver with those settings; it asks nothing yet.
    ///
    /// # Errors
    ///
    /// [`NoDns`] where the system names no servers.
    pub fn new(settings: &DnsSettings) -> Result<Self, NoDns> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = match settings.servers.is_empty() {
            true => Hickory::builder(provider).map_err(NoDns)?,
            false => {
                let servers = settings.servers.iter().map(|server| server_at(*server));
                let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
                Hickory::builder_with_config(config, provider)
            }
        };
        let options = builder.options_mut();
        options.timeout = settings.timeout;
        options.attempts = settings.attempts;
        options.cache_size = settings.cache;
        options.positive_max_ttl = Some(settings.max_ttl);
        options.negative_max_ttl = Some(settings.max_ttl / 10);
        builder.build().map(Self).map_err(NoDns)
    }
}

fn server_at(address: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

#[async_trait]
impl Resolver for DnsResolver {
    async fn addresses(&self, host: &str) -> Result<Answer<IpAddr>, LookupError> {
        let name = match host.contains('.') {
            true => absolute(host)?,
            false => Name::from_ascii(host).map_err(LookupError::failed)?,
        };
        answer(
            self.0.lookup_ip(name).await.map(Lookup::from),
            |data| match data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            },
        )
    }

    async fn mx(&self, domain: &str) -> Result<Answer<Mx>, LookupError> {
        let found = self.0.mx_lookup(absolute(domain)?).await;
        answer(found, |data| match data {
            RData::MX(mx) => Some(Mx::new(mx.preference, text(&mx.exchange))),
            _ => None,
        })
    }

    async fn txt(&self, name: &str) -> Result<Answer<Box<[u8]>>, LookupError> {
        let found = self.0.txt_lookup(absolute(name)?).await;
        answer(found, |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat().into()),
            _ => None,
        })
    }

    async fn tlsa(&self, name: &str) -> Result<Answer<Tlsa>, LookupError> {
        let found = self.0.tlsa_lookup(absolute(name)?).await;
        answer(found, |data| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.as_slice().into(),
            }),
            _ => None,
        })
    }

    async fn ptr(&self, address: IpAddr) -> Result<Answer<Box<str>>, LookupError> {
        let found = self.0.reverse_lookup(Name::from(address)).await;
        answer(found, |data| match data {
            RData::PTR(name) => Some(text(name).into()),
            _ => None,
        })
    }
}

/// A name to which no other domain is appended.
fn absolute(name: &str) -> Result<Name, LookupError> {
    let mut name = Name::from_ascii(name).map_err(|_| LookupError::NoSuchName)?;
    name.set_fqdn(true);
    Ok(name)
}

fn text(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn answer<T>(
    found: Result<Lookup, NetError>,
    read: impl Fn(&RData) -> Option<T>,
) -> Result<Answer<T>, LookupError> {
    let found = match found {
        Ok(found) => found,
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            return match none.response_code {
                ResponseCode::NoError => Ok(Answer::insecure([])),
                ResponseCode::NXDomain => Err(LookupError::NoSuchName),
                _ => Err(LookupError::failed(NetError::from(none))),
            };
        }
        Err(error) => return Err(LookupError::failed(error)),
    };
    let ttl = |record: &Record| Duration::from_secs(record.ttl.into());
    let ttl = found.answers().iter().map(ttl).min();
    let records = found.answers().iter();
    let answer = Answer::insecure(records.filter_map(|record| read(&record.data)));
    Ok(match ttl {
        Some(ttl) => answer.with_ttl(ttl),
        None => answer,
    })
}
