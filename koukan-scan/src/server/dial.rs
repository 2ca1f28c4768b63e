//! Connecting to a server.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use koukan_core::network::{BoxWire, Dialing, SharedConnector, SharedResolver, alternating};
use tokio::{net::UnixStream, time::timeout};

use crate::ScanError;

use super::{Address, Limits, slow_writes::SlowWrites};

/// The settings that all addresses of a server share.
#[derive(Clone, Default)]
pub(super) struct Dial {
    pub(super) network: Option<(SharedConnector, SharedResolver)>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

/// The TLS settings for a server.
#[cfg(feature = "tls")]
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) client: koukan_core::tls::ClientTls,
    /// The name that the certificate must be valid for, where it is not the host's.
    pub(super) name: Option<Box<str>>,
}

impl Dial {
    /// Connects. Each write on the connection fails when it waits longer than the limit.
    pub(super) async fn connect(
        &self,
        address: &Address,
        limits: &Limits,
    ) -> Result<BoxWire, ScanError> {
        let connecting = async {
            let wire = self.reach(address).await?;
            self.encrypt(address, wire).await
        };
        let late = |_| ScanError::NotConnected(io::ErrorKind::TimedOut.into());
        let wire = timeout(limits.connect, connecting).await.map_err(late)??;
        Ok(Box::new(SlowWrites::new(wire, limits.write)))
    }

    async fn reach(&self, address: &Address) -> Result<BoxWire, ScanError> {
        match address {
            Address::Unix(path) => {
                let wire = match &self.network {
                    Some((connector, _)) => connector.connect_unix(path).await,
                    None => UnixStream::connect(path).await.map(|it| Box::new(it) as _),
                };
                wire.map_err(ScanError::NotConnected)
            }
            Address::Tcp(host) => self.reach_host(&host.host, host.port).await,
        }
    }

    async fn reach_host(&self, host: &str, port: u16) -> Result<BoxWire, ScanError> {
        let network = self.network.as_ref();
        let (connector, resolver) = network.ok_or(ScanError::NoAddress(None))?;
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let found = resolver.addresses(host).await;
                found
                    .map_err(|error| ScanError::NoAddress(Some(error)))?
                    .records
            }
        };
        let addresses = alternating(addresses).into_iter();
        let addresses = addresses.map(|address| SocketAddr::new(address, port));
        let mut dialing = Dialing::new(addresses, |address| connector.connect(address));
        let mut failed = ScanError::NoAddress(None);
        while let Some((_, connected)) = dialing.next().await {
            match connected {
                Ok(wire) => return Ok(wire),
                Err(error) => failed = ScanError::NotConnected(error),
            }
        }
        Err(failed)
    }

    #[cfg(feature = "tls")]
    async fn encrypt(&self, address: &Address, wire: BoxWire) -> Result<BoxWire, ScanError> {
        let Some(tls) = &self.tls else {
            return Ok(wire);
        };
        let name = match (&tls.name, address) {
            (Some(name), _) => name,
            (None, Address::Tcp(host)) => &*host.host,
            (None, Address::Unix(_)) => "localhost",
        };
        let encrypted = tls.client.connect(name, wire).await;
        let (wire, _) = encrypted.map_err(ScanError::NotConnected)?;
        Ok(Box::new(wire))
    }

    #[cfg(not(feature = "tls"))]
    async fn encrypt(&self, _: &Address, wire: BoxWire) -> Result<BoxWire, ScanError> {
        Ok(wire)
    }
}
