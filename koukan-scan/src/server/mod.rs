//! Where a server is, how many messages it is shown at a time, and when nobody waits for it: [`Server`].
//!
//! A server may have several addresses, each with turns and a breaker of its own. A message is shown at the first of them
//! that has a turn, or at the one that has the first. Where that cannot be asked, or says something that is no answer, the next one is asked; where it is
//! silent for [`Limits::next`], the next one is asked as well, and the first answer holds. So one that hangs holds up
//! a message no longer than that, and is left alone after a few of them.

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
use koukan_core::network::{BoxWire, SharedConnector, SharedResolver};
use tokio::time::{sleep, timeout};

use crate::ScanError;

use self::{
    dial::Dial,
    host::{Host, Readiness, Turn},
};

/// A server that looks at messages. Clones are the same.
///
/// Whoever asks gets a turn, and a connection of its own. Nobody has a turn while a client is waited for: a
/// message is there as a whole by then.
///
/// After some failures without a success between them it is *down*: whoever waits for a turn is told at once,
/// and so is whoever comes. After a pause one message tries it, and the others are still told. A message that takes it
/// too long is no failure where it still answers when it is asked whether it is there.
#[derive(Clone)]
pub struct Server {
    dial: Dial,
    limits: Limits,
    hosts: Arc<[Host]>,
}

impl Server {
    /// A server at that address, with [`Limits::default`].
    pub fn new(address: Address) -> Self {
        Self::of([address], Dial::default(), Limits::default())
    }

    /// It has this address as well, where it is asked when those before do not answer.
    #[must_use]
    pub fn or(self, address: Address) -> Self {
        let addresses: Vec<_> = self.addresses().cloned().chain([address]).collect();
        Self::of(addresses, self.dial, self.limits)
    }

    /// Connects by these, which a server with a TCP port needs. Without, a Unix socket is connected to as the system does.
    #[must_use]
    pub fn with_network(mut self, connector: SharedConnector, resolver: SharedResolver) -> Self {
        self.dial.network = Some((connector, resolver));
        self.anew()
    }

    /// Speaks TLS to it, from the first octet on. Its certificate has to be for `name`, or without that for the host of the
    /// address: which of them are believed `client` says.
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

    /// Where it is.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.hosts.iter().map(|host| &host.address)
    }

    /// Has it asked by `ask`, each time on a connection of its own; `ping` asks whether it is there.
    ///
    /// # Errors
    ///
    /// [`ScanError`]: that of `ask`, or why it came to nothing; of several addresses that of the first that has failed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, turns are others', and connections are closed.
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
        // Those that are equally ready are asked in their order.
        hosts.sort_by_cached_key(|host| host.readiness());
        let all = async {
            let mut turn = None;
            if hosts[0].readiness() == Readiness::Busy {
                let (host, first) = first_turn(&hosts).await?;
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
                    // Of a message that is too large, or cannot be read, another would say the same.
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

/// The first turn at any of those that are there, and at which of them.
async fn first_turn<'a>(hosts: &[&'a Host]) -> Result<(usize, Turn<'a>), ScanError> {
    let busy = hosts.iter().enumerate();
    let busy = busy.filter(|(_, host)| host.readiness() != Readiness::Down);
    let turns = busy.map(async |(index, host)| Ok((index, host.turn().await?)));
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
