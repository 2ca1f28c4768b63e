//! Where a server is, how many messages it is shown at a time, and when nobody waits for it: [`Server`].

mod address;
mod breaker;
mod limits;
mod slow_writes;

pub use self::{
    address::{Address, InvalidAddress},
    limits::Limits,
};

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use koukan_core::{
    causes::Causes,
    network::{BoxWire, SharedConnector, SharedResolver},
};
use tokio::{
    net::UnixStream,
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};

use crate::ScanError;

use self::{
    breaker::{Breaker, Change, Part},
    slow_writes::SlowWrites,
};

/// A server that looks at messages. Clones are the same.
///
/// Whoever asks gets a turn, and a connection of its own. Nobody has a turn while a client is waited for: a
/// message is there as a whole by then.
///
/// After some failures without a success between them it is *down*: whoever waits for a turn is told at once,
/// and so is whoever comes. After a pause one message tries it, and the others are still told.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    address: Address,
    network: Option<(SharedConnector, SharedResolver)>,
    limits: Limits,
    turns: Semaphore,
    /// Whoever waits for a turn watches it.
    breaker: watch::Sender<Breaker>,
}

impl Server {
    /// A server at that address, with [`Limits::default`].
    pub fn new(address: Address) -> Self {
        Self::of(address, None, Limits::default())
    }

    /// Connects by these, which a server with a TCP port needs. Without, a Unix socket is connected to as the system does.
    #[must_use]
    pub fn with_network(self, connector: SharedConnector, resolver: SharedResolver) -> Self {
        Self::of(
            self.0.address.clone(),
            Some((connector, resolver)),
            self.0.limits,
        )
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self::of(self.0.address.clone(), self.0.network.clone(), limits)
    }

    fn of(
        address: Address,
        network: Option<(SharedConnector, SharedResolver)>,
        limits: Limits,
    ) -> Self {
        Self(Arc::new(Shared {
            address,
            network,
            limits,
            turns: Semaphore::new(limits.at_a_time.clamp(1, Semaphore::MAX_PERMITS)),
            breaker: watch::Sender::new(Breaker::new(limits.failures, limits.pause)),
        }))
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Has it asked by `ask`, on a connection of its own.
    ///
    /// # Errors
    ///
    /// [`ScanError`]: that of `ask`, or why it came to nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the turn is another's, and the connection is closed.
    pub(crate) async fn ask<T, Fut>(&self, ask: impl FnOnce(BoxWire) -> Fut) -> Result<T, ScanError>
    where
        Fut: Future<Output = Result<T, ScanError>>,
    {
        let part = self.enter();
        let mut entry = Entry {
            server: self,
            part: Some(part.ok_or(ScanError::Down)?),
        };
        let waiting = self.turn(part == Some(Part::Probe));
        let waiting = timeout(self.0.limits.turn, waiting).await;
        let _turn = waiting.unwrap_or(Err(ScanError::Busy))?;
        let asked = async {
            let wire = self.connect().await?;
            ask(Box::new(SlowWrites::new(wire, self.0.limits.write))).await
        };
        let asked = timeout(self.0.limits.whole, asked).await;
        let asked = asked.unwrap_or(Err(ScanError::Elapsed));
        match &asked {
            Ok(_) | Err(ScanError::TooLarge) => entry.succeeded(),
            Err(error) if error.is_scanners_fault() => entry.failed(error),
            Err(_) => {}
        }
        asked
    }

    /// A turn, unless the server goes down meanwhile. Who tries it out needs none.
    async fn turn(
        &self,
        is_probe: bool,
    ) -> Result<Option<tokio::sync::SemaphorePermit<'_>>, ScanError> {
        if is_probe {
            return Ok(None);
        }
        let mut breaker = self.0.breaker.subscribe();
        tokio::select! {
            biased;
            turn = self.0.turns.acquire() => match turn {
                Ok(_) if !self.0.breaker.borrow().is_up() => Err(ScanError::Down),
                turn => Ok(turn.ok()),
            },
            _ = breaker.wait_for(|breaker| !breaker.is_up()) => Err(ScanError::Down),
        }
    }

    async fn connect(&self) -> Result<BoxWire, ScanError> {
        let connecting = async {
            match &self.0.address {
                Address::Unix(path) => {
                    let wire = match &self.0.network {
                        Some((connector, _)) => connector.connect_unix(path).await,
                        None => UnixStream::connect(path).await.map(|it| Box::new(it) as _),
                    };
                    wire.map_err(ScanError::NotConnected)
                }
                Address::Tcp(host) => self.connect_to(&host.host, host.port).await,
            }
        };
        let late = |_| ScanError::NotConnected(io::ErrorKind::TimedOut.into());
        let connected = timeout(self.0.limits.connect, connecting).await;
        connected.map_err(late)?
    }

    async fn connect_to(&self, host: &str, port: u16) -> Result<BoxWire, ScanError> {
        let network = self.0.network.as_ref();
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
        let mut failed = ScanError::NoAddress(None);
        for address in addresses {
            match connector.connect(SocketAddr::new(address, port)).await {
                Ok(wire) => return Ok(wire),
                Err(error) => failed = ScanError::NotConnected(error),
            }
        }
        Err(failed)
    }

    fn enter(&self) -> Option<Part> {
        let mut part = None;
        self.change(|breaker| {
            part = breaker.enter(Instant::now());
            Change::None
        });
        part
    }

    /// Changes the breaker; whoever waits for a turn hears of what is changed for others.
    fn change(&self, change: impl FnOnce(&mut Breaker) -> Change) -> Change {
        let mut changed = Change::None;
        self.0.breaker.send_if_modified(|breaker| {
            changed = change(breaker);
            changed != Change::None
        });
        changed
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.0.address)
    }
}

/// Somebody who asks. Dropped before anything is known, it leaves what it was to find out to others.
struct Entry<'a> {
    server: &'a Server,
    part: Option<Part>,
}

impl Entry<'_> {
    fn succeeded(&mut self) {
        self.part = None;
        if self.server.change(Breaker::succeeded) == Change::CameBack {
            tracing::info!(scanner = %self.server.address(), "a scanner is there again");
        }
    }

    fn failed(&mut self, error: &ScanError) {
        let Some(part) = self.part.take() else { return };
        let (scanner, error) = (self.server.address(), Causes(error));
        let changed = |breaker: &mut Breaker| breaker.failed(part, Instant::now());
        if self.server.change(changed) == Change::WentDown {
            let seconds = self.server.0.limits.pause.as_secs();
            tracing::error!(%scanner, %error, seconds, "a scanner is down, and nobody waits for it now");
        } else {
            tracing::warn!(%scanner, %error, "a scanner has failed");
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some(part) = self.part {
            self.server.change(|breaker| {
                breaker.left(part, Instant::now());
                Change::None
            });
        }
    }
}
