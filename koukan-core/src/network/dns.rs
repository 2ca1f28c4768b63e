//! A resolver that asks DNS servers, and caches their answers.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join;
use hickory_resolver::{
    Resolver as Hickory, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::{
        dnssec::TrustAnchors,
        rr::{Name, RData, RecordType},
    },
};
use tower::BoxError;

use crate::files;

use super::{
    DnsAnswer, LookupError, Mx, Proof, Resolver, Tlsa,
    dns_answer::{alias_of, answer, is_unfounded, may_be_endless, text},
};

/// With so many aliases in a row, the library has not found their end: it does not follow this many.
const ALIASES_MAX: usize = 8;

/// Asks DNS servers: those of `/etc/resolv.conf`, or others. Clones share the cache.
///
/// Host names without a dot are also looked up in the domains of `/etc/resolv.conf`, and `/etc/hosts` is
/// used. A server's claim that an answer is proved is not trusted: the resolver checks the proof itself, if
/// the settings say so.
#[derive(Debug, Clone)]
pub struct DnsResolver(TokioResolver);

/// Which DNS servers to ask, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsSettings {
    /// The servers. Default: the system's.
    pub servers: Vec<SocketAddr>,
    /// How long to wait for a server. Default: 3 seconds.
    pub timeout: Duration,
    /// How many times a server is asked again. Default: 2.
    pub attempts: usize,
    /// How many answers are cached. Default: 8192.
    pub cache: u64,
    /// How long an answer is cached at most; a negative answer for a tenth of that. Default: 1 hour.
    pub max_ttl: Duration,
    /// Whether to check proofs (DNSSEC) and reject wrong ones. The servers must pass the proofs on.
    /// Default: no, and nothing is proved.
    pub validate: bool,
    /// A file with the trust anchors, as DNSKEY records of a zone file. Default: those of the root.
    pub trust_anchor: Option<PathBuf>,
}

impl Default for DnsSettings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(3),
            attempts: 2,
            cache: 8192,
            max_ttl: Duration::from_secs(3600),
            validate: false,
            trust_anchor: None,
        }
    }
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoDns {
    /// There is no DNS server to ask.
    #[error("cannot determine which DNS servers to ask")]
    NoServer(#[source] NetError),
    /// The trust anchors cannot be read.
    #[error("cannot read the DNSSEC trust anchors in {}", .0.display())]
    NoTrust(PathBuf, #[source] BoxError),
}

impl DnsSettings {
    /// Checks that the trust anchors can be read.
    ///
    /// # Errors
    ///
    /// [`NoDns::NoTrust`].
    pub fn check(&self) -> Result<(), NoDns> {
        self.anchors().map(|_| ())
    }

    fn anchors(&self) -> Result<Option<TrustAnchors>, NoDns> {
        let Some(file) = &self.trust_anchor else {
            return Ok(None);
        };
        let wrong = |error: BoxError| NoDns::NoTrust(file.clone(), error);
        let text = files::read_to_string(file).map_err(|error| wrong(error.into()))?;
        let lines = text.lines().map(|line| line.split(';').next());
        let mut words = lines.flatten().flat_map(str::split_whitespace);
        if !words.any(|word| word.eq_ignore_ascii_case("DNSKEY")) {
            return Err(wrong("there is no DNSKEY record".into()));
        }
        let anchors = text.parse::<TrustAnchors>();
        Ok(Some(anchors.map_err(|error| wrong(error.into()))?))
    }
}

impl DnsResolver {
    /// A resolver with these settings. It asks nothing yet.
    ///
    /// # Errors
    ///
    /// [`NoDns`] where the system names no servers, or the trust anchors cannot be read.
    pub fn new(settings: &DnsSettings) -> Result<Self, NoDns> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = match settings.servers.is_empty() {
            true => Hickory::builder(provider).map_err(NoDns::NoServer)?,
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
        options.validate = settings.validate;
        if settings.validate
            && let Some(anchors) = settings.anchors()?
        {
            builder = builder.with_trust_anchor(Arc::new(anchors));
        }
        builder.build().map(Self).map_err(NoDns::NoServer)
    }
}

impl DnsResolver {
    /// An answer that may have been given up on: one that is empty, if `may_be_endless` says so. If the name's aliases form
    /// a circle, or are too many, the look-up has failed (RFC 1034 section 3.6.2): that is a fault of the zone, which can be
    /// corrected, and does not tell that there is nothing.
    async fn if_it_ends<T>(
        &self,
        name: &Name,
        may_be_endless: bool,
        answer: Result<DnsAnswer<T>, LookupError>,
    ) -> Result<DnsAnswer<T>, LookupError> {
        let is_empty = answer.as_ref().is_ok_and(|it| it.records.is_empty());
        if is_empty && may_be_endless && self.is_endless(name.clone()).await {
            return Err(LookupError::failed("its aliases have no end"));
        }
        answer
    }

    /// Whether the name is an alias of an alias, and so on. If that cannot be found out, it is not.
    async fn is_endless(&self, mut name: Name) -> bool {
        for _ in 0..ALIASES_MAX {
            let found = self.0.lookup(name, RecordType::CNAME).await;
            let target = found.ok().and_then(|found| alias_of(&found).cloned());
            let Some(target) = target else {
                return false;
            };
            name = target;
        }
        true
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
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        let (name, is_whole) = match host.contains('.') {
            true => (absolute(host)?, true),
            false => (name_of(host)?, false),
        };
        let asked = is_whole.then_some(&name);
        let (v6, v4) = join(
            self.0.lookup(name.clone(), RecordType::AAAA),
            self.0.lookup(name.clone(), RecordType::A),
        )
        .await;
        let may_be_endless = may_be_endless(&v6) || may_be_endless(&v4);
        let v6 = answer(asked, v6, |data| match data {
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        });
        let v4 = answer(asked, v4, |data| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            _ => None,
        });
        self.if_it_ends(&name, may_be_endless, both(v6, v4)).await
    }

    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        let name = absolute(domain)?;
        let found = self.0.mx_lookup(name.clone()).await;
        let may_be_endless = may_be_endless(&found);
        let answer = answer(Some(&name), found, |data| match data {
            RData::MX(mx) => Some(Mx::new(mx.preference, text(&mx.exchange))),
            _ => None,
        });
        self.if_it_ends(&name, may_be_endless, answer).await
    }

    async fn txt(&self, name: &str) -> Result<DnsAnswer<Box<[u8]>>, LookupError> {
        let name = absolute(name)?;
        let found = self.0.txt_lookup(name.clone()).await;
        let may_be_endless = may_be_endless(&found);
        let answer = answer(Some(&name), found, |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat().into()),
            _ => None,
        });
        self.if_it_ends(&name, may_be_endless, answer).await
    }

    async fn tlsa(&self, name: &str) -> Result<DnsAnswer<Tlsa>, LookupError> {
        let name = absolute(name)?;
        let found = self.0.tlsa_lookup(name.clone()).await;
        if is_unfounded(&found) {
            return Err(LookupError::failed("no zone says that there is nothing"));
        }
        answer(Some(&name), found, |data| match data {
            RData::TLSA(tlsa) => Some(Tlsa {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.as_slice().into(),
            }),
            _ => None,
        })
    }

    async fn ptr(&self, address: IpAddr) -> Result<DnsAnswer<Box<str>>, LookupError> {
        let name = Name::from(address);
        let found = self.0.reverse_lookup(name.clone()).await;
        let may_be_endless = may_be_endless(&found);
        let answer = answer(Some(&name), found, |data| match data {
            RData::PTR(name) => Some(text(name).into()),
            _ => None,
        });
        self.if_it_ends(&name, may_be_endless, answer).await
    }
}

/// The addresses of both families. A missing address of one family does not hide a failed look-up of
/// the other.
fn both(
    one: Result<DnsAnswer<IpAddr>, LookupError>,
    other: Result<DnsAnswer<IpAddr>, LookupError>,
) -> Result<DnsAnswer<IpAddr>, LookupError> {
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (Ok(known), Err(_)) | (Err(_), Ok(known)) if !known.records.is_empty() => return Ok(known),
        (Err(LookupError::NoSuchName), known) | (known, Err(LookupError::NoSuchName)) => {
            return known;
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let parts = match (one.records.is_empty(), other.records.is_empty()) {
        (true, false) => return Ok(other),
        (false, true) => return Ok(one),
        _ => [one, other],
    };
    let is_proved = parts.iter().all(|part| part.proof == Proof::Secure);
    let ttl = parts.iter().filter_map(|part| part.ttl).min();
    let alias = parts.iter().find_map(|part| part.alias.clone());
    Ok(DnsAnswer {
        records: parts.into_iter().flat_map(|part| part.records).collect(),
        proof: match is_proved {
            true => Proof::Secure,
            false => Proof::Insecure,
        },
        ttl,
        alias,
    })
}

/// A name to which no search domain is appended.
fn absolute(name: &str) -> Result<Name, LookupError> {
    let mut name = name_of(name)?;
    name.set_fqdn(true);
    Ok(name)
}

/// A DNS name. Its labels need not be host names: SPF queries local parts, as in
/// `bob+lists.example.com`.
fn name_of(text: &str) -> Result<Name, LookupError> {
    if let Ok(name) = Name::from_ascii(text) {
        return Ok(name);
    }
    let labels = text.strip_suffix('.').unwrap_or(text).split('.');
    let is_fine = text.is_ascii() && labels.clone().all(|label| !label.is_empty());
    let name = is_fine.then(|| Name::from_labels(labels.map(str::as_bytes)));
    let mut name = name.and_then(Result::ok).ok_or(LookupError::NoSuchName)?;
    name.set_fqdn(text.ends_with('.'));
    Ok(name)
}
