//! Where a server is, how many messages it is shown at a time, and when it is down: [`Server`].
//!
//! A server may have several addresses, each with its own turns and breaker. A message is shown at the first address
//! that has a free turn, else at the one where a turn becomes free first. If that address cannot be asked, or its
//! answer makes no sense, the next one is asked. If it is silent for [`Limits::next`], the next one is asked as well,
//! and the first answer counts. So an address that hangs delays a message by no more than that time, and is treated as
//! down after a few messages.

mod address;
mod asking;
mod breaker;
mod dial;
mod entry;
mod host;
mod limits;
mod slow_writes;

pub use self::{
    address::{Address, InvalidAddress},
    limits::Limits,
};

pub(crate) use self::asking::Asking;

use std::{fmt, sync::Arc};

use futures_util::{StreamExt, stream::FuturesUnordered};
use koukan_core::{
    network::{BoxWire, SharedConnector, SharedResolver},
    shares::Client,
};
use tokio::time::{sleep, timeout};

use crate::ScanError;

use self::{
    breaker::Part,
    dial::Dial,
    host::{Host, Readiness, Turn},
};

/// A server that scans messages. Clones share its state.
///
/// Each question needs a turn, and has a connection of its own. No turn is held while a client is waited for: the
/// message has arrived completely by then.
///
/// After some failures with no success between them the server is *down*. Those who wait for a turn are told so at
/// once, and so is everybody who asks. After a pause one message tries the server, while the others are still told
/// that it is down. A message that takes too long is no failure if the server still answers a ping.
#[derive(Clone)]
pub struct Server {
    dial: Dial,
    limits: Limits,
    hosts: Arc<[Host]>,
}

impl Server {
    /// A server at this address, with [`Limits::default`].
    pub fn new(address: Address) -> Self {
        Self::of([address], Dial::default(), Limits::default())
    }

    /// Adds an address, which is asked when those before it do not answer.
    #[must_use]
    pub fn or(self, address: Address) -> Self {
        let addresses: Vec<_> = self.addresses().cloned().chain([address]).collect();
        Self::of(addresses, self.dial, self.limits)
    }

    /// Connects with these. A server with a TCP port needs them. Without them, a Unix socket is opened by the system's
    /// call.
    #[must_use]
    pub fn with_network(mut self, connector: SharedConnector, resolver: SharedResolver) -> Self {
        self.dial.network = Some((connector, resolver));
        self.anew()
    }

    /// Speaks TLS, from the first octet on. The certificate must be valid for `name`, or without a name for the
    /// address's host. `client` decides which certificates are trusted.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, client: koukan_core::tls::ClientTls, name: Option<&str>) -> Self {
        let name = name.map(Into::into);
        self.dial.tls = Some(dial::Tls { client, name });
        self.anew()
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.anew()
    }

    fn anew(self) -> Self {
        let addresses: Vec<_> = self.addresses().cloned().collect();
        Self::of(addresses, self.dial, self.limits)
    }

    fn of(addresses: impl IntoIterator<Item = Address>, dial: Dial, limits: Limits) -> Self {
        let hosts = addresses.into_iter();
        let hosts = hosts.map(|address| Host::new(address, dial.clone(), limits));
        Self {
            hosts: hosts.collect(),
            dial,
            limits,
        }
    }

    /// Its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.hosts.iter().map(|host| &host.address)
    }

    /// Asks with `ask`, on a new connection each time; `ping` asks whether the server is there.
    ///
    /// # Errors
    ///
    /// [`ScanError`]: the error of `ask`, or why it was not asked. Of several addresses, the error of the first that
    /// failed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, turns become free and connections are closed.
    pub(crate) async fn ask<T, Asked, Pinged>(
        &self,
        asking: &Asking<'_>,
        ask: impl Fn(BoxWire) -> Asked,
        ping: impl Fn(BoxWire) -> Pinged,
    ) -> Result<T, ScanError>
    where
        Asked: Future<Output = Result<T, ScanError>>,
        Pinged: Future<Output = Result<(), ScanError>>,
    {
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        if let [only] = hosts[..] {
            return only.ask(asking, None, ask, ping).await;
        }
        // Among equally ready addresses the order of the configuration counts.
        let client = asking.client();
        hosts.sort_by_cached_key(|host| host.readiness(client));
        let all = async {
            let mut turn = None;
            if hosts[0].readiness(client) == Readiness::Busy {
                let (host, first) = first_turn(&hosts, client).await?;
                let at = hosts.remove(host);
                hosts.insert(0, at);
                turn = Some(first);
            }
            self.ask_any(asking, hosts, turn, ask, ping).await
        };
        let whole = self.limits.turn.saturating_add(self.limits.whole);
        timeout(whole, all).await.unwrap_or(Err(ScanError::Elapsed))
    }

    async fn ask_any<T, Asked, Pinged>(
        &self,
        asking: &Asking<'_>,
        hosts: Vec<&Host>,
        mut turn: Option<Turn<'_>>,
        ask: impl Fn(BoxWire) -> Asked,
        ping: impl Fn(BoxWire) -> Pinged,
    ) -> Result<T, ScanError>
    where
        Asked: Future<Output = Result<T, ScanError>>,
        Pinged: Future<Output = Result<(), ScanError>>,
    {
        let (mut next, mut failed) = (hosts.into_iter(), None);
        let mut asked = FuturesUnordered::new();
        loop {
            if let Some(host) = next.next() {
                asked.push(host.ask(asking, turn.take(), &ask, &ping));
            } else if asked.is_empty() {
                return Err(failed.unwrap_or(ScanError::Down));
            }
            let is_last = next.as_slice().is_empty();
            tokio::select! {
                biased;
                Some(answer) = asked.next() => match answer {
                    // A message that is too large or cannot be read would fail at every address.
                    answer @ (Ok(_) | Err(ScanError::TooLarge | ScanError::Unread)) => return answer,
                    Err(error) => {
                        failed.get_or_insert(error);
                    }
                },
                () = sleep(self.limits.next), if !is_last => {}
            }
        }
    }
}

/// The first turn that becomes free at one of the hosts that are up, and the host's position.
async fn first_turn<'a>(
    hosts: &[&'a Host],
    client: &Client,
) -> Result<(usize, Turn<'a>), ScanError> {
    let busy = hosts.iter().enumerate();
    let busy = busy.filter(|(_, host)| host.readiness(client) != Readiness::Down);
    let turn = async |host: &'a Host| host.turn(client, Part::Ordinary).await;
    let turns = busy.map(async |(index, host)| Ok((index, turn(host).await?)));
    let mut turns: FuturesUnordered<_> = turns.collect();
    let mut failed = ScanError::Down;
    while let Some(turn) = turns.next().await {
        match turn {
            Ok(turn) => return Ok(turn),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.hosts.iter().map(|host| &host.shown);
        f.debug_tuple("Server")
            .field(&shown.collect::<Vec<_>>())
            .finish()
    }
}
