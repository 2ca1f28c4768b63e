//! Which certificate is presented.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::Certificate;

/// The certificates of a server: a client is shown the first that is valid for the name it asks for,
/// or the first of all. Or the certificates of a client: a server is shown the first.
///
/// They can be replaced while connections are made and used. Clones share them.
#[derive(Clone)]
pub struct Certificates(Arc<Mutex<Arc<[Certificate]>>>);

impl Certificates {
    /// These certificates. With none, no client gets a connection.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Self {
        Self(Arc::new(Mutex::new(certificates.into_iter().collect())))
    }

    /// Replaces all of them for connections that begin from now on.
    pub fn replace(&self, certificates: impl IntoIterator<Item = Certificate>) {
        *self.lock() = certificates.into_iter().collect();
    }

    /// The current certificates.
    pub fn all(&self) -> Arc<[Certificate]> {
        Arc::clone(&self.lock())
    }

    fn choose(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let all = self.all();
        let named = name.and_then(|name| all.iter().find(|one| one.is_for(name)));
        let chosen = named.or_else(|| all.first())?;
        Some(Arc::clone(&chosen.key))
    }

    fn lock(&self) -> MutexGuard<'_, Arc<[Certificate]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(client_hello.server_name())
    }
}

/// A client shows its first certificate.
impl ResolvesClientCert for Certificates {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.choose(None)
    }

    fn has_certs(&self) -> bool {
        !self.all().is_empty()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().iter()).finish()
    }
}
