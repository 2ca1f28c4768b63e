//! A scripted DNS.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::network::{DnsAnswer, LookupError, Mx, Resolver, Tlsa};

/// A [`Resolver`] that answers by a table, and keeps the questions it was asked.
///
/// A name that is not in the table gives [`LookupError::NoSuchName`]. Clones share the table, so
/// answers can be changed while the resolver is in use.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     network::{LookupError, Mx, Resolver},
///     test_util::ScriptedResolver,
/// };
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let resolver = ScriptedResolver::new()
///     .with_mx("example.com", [Mx::new(10, "mx.example.com")])
///     .with_addresses("mx.example.com", ["192.0.2.1".parse().unwrap()])
///     .with_failure("down.example");
/// let found = resolver.mx("Example.COM").await.unwrap();
/// assert_eq!(&*found.records[0].host, "mx.example.com");
/// let error = resolver.txt("down.example").await.unwrap_err();
/// assert!(matches!(error, LookupError::Failed(_)));
/// assert_eq!(resolver.asked(), ["MX example.com", "TXT down.example"]);
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScriptedResolver(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    addresses: HashMap<String, DnsAnswer<IpAddr>>,
    mx: HashMap<String, DnsAnswer<Mx>>,
    txt: HashMap<String, DnsAnswer<Box<[u8]>>>,
    tlsa: HashMap<String, DnsAnswer<Tlsa>>,
    ptr: HashMap<IpAddr, DnsAnswer<Box<str>>>,
    failing: HashSet<String>,
    silent: HashSet<String>,
    asked: Vec<String>,
}

impl ScriptedResolver {
    /// A DNS without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the addresses of a host.
    #[must_use]
    pub fn with_addresses(self, host: &str, addresses: impl Into<DnsAnswer<IpAddr>>) -> Self {
        self.lock().addresses.insert(key(host), addresses.into());
        self
    }

    /// Sets the hosts that take a domain's mail.
    #[must_use]
    pub fn with_mx(self, domain: &str, hosts: impl Into<DnsAnswer<Mx>>) -> Self {
        self.lock().mx.insert(key(domain), hosts.into());
        self
    }

    /// Sets the texts of a name.
    #[must_use]
    pub fn with_txt(self, name: &str, texts: impl Into<DnsAnswer<Box<[u8]>>>) -> Self {
        self.lock().txt.insert(key(name), texts.into());
        self
    }

    /// Sets what a server's certificate must match.
    #[must_use]
    pub fn with_tlsa(self, name: &str, records: impl Into<DnsAnswer<Tlsa>>) -> Self {
        self.lock().tlsa.insert(key(name), records.into());
        self
    }

    /// Sets the names of an address.
    #[must_use]
    pub fn with_ptr(self, address: IpAddr, names: impl Into<DnsAnswer<Box<str>>>) -> Self {
        self.lock().ptr.insert(address, names.into());
        self
    }

    /// Makes every look-up of a name, or of an address as text, fail.
    #[must_use]
    pub fn with_failure(self, name: &str) -> Self {
        self.lock().failing.insert(key(name));
        self
    }

    /// Never answers a look-up of a name, or of an address as text.
    #[must_use]
    pub fn with_silence(self, name: &str) -> Self {
        self.lock().silent.insert(key(name));
        self
    }

    /// The questions so far, in the form `MX example.com`; for addresses `A mx.example.com`.
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    async fn find<K: Eq + Hash, T: Clone>(
        &self,
        kind: &str,
        name: &str,
        key: &K,
        answers: impl Fn(&Table) -> &HashMap<K, DnsAnswer<T>>,
    ) -> Result<DnsAnswer<T>, LookupError> {
        let (found, is_silent) = {
            let mut table = self.lock();
            table.asked.push(format!("{kind} {name}"));
            if table.failing.contains(name) {
                return Err(LookupError::failed("the script says so"));
            }
            let found = answers(&table).get(key).cloned();
            (found, table.silent.contains(name))
        };
        if is_silent {
            return pending().await;
        }
        found.ok_or(LookupError::NoSuchName)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[async_trait]
impl Resolver for ScriptedResolver {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        let key = key(host);
        self.find("A", &key, &key, |table| &table.addresses).await
    }

    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        let key = key(domain);
        self.find("MX", &key, &key, |table| &table.mx).await
    }

    async fn txt(&self, name: &str) -> Result<DnsAnswer<Box<[u8]>>, LookupError> {
        let key = key(name);
        self.find("TXT", &key, &key, |table| &table.txt).await
    }

    async fn tlsa(&self, name: &str) -> Result<DnsAnswer<Tlsa>, LookupError> {
        let key = key(name);
        self.find("TLSA", &key, &key, |table| &table.tlsa).await
    }

    async fn ptr(&self, address: IpAddr) -> Result<DnsAnswer<Box<str>>, LookupError> {
        let name = address.to_string();
        self.find("PTR", &name, &address, |table| &table.ptr).await
    }
}
