//! The beginning of a connection: greeting and EHLO.

use std::{io, net::IpAddr, sync::Arc};

use koukan_core::{
    network::{BoxWire, Connector, RemoteAddress, SourceNotHere, Wire},
    reply::{RemoteMta, Reply},
};
use tokio::time::{Instant, timeout};

use crate::{
    Protocol,
    client::{ClientError, ClientTimeouts, Phase},
    codec::Capabilities,
};

use super::Connection;

impl Connection<BoxWire> {
    /// Connects, from that address if one is given, and sends nothing yet.
    pub(crate) async fn connect(
        connector: &dyn Connector,
        remote: RemoteMta,
        source: Option<IpAddr>,
        timeouts: Arc<ClientTimeouts>,
        protocol: Protocol,
    ) -> Result<Self, ClientError> {
        let connecting = match &remote.address {
            RemoteAddress::Tcp(address) => match source {
                Some(source) => connector.connect_from(*address, source),
                None => connector.connect(*address),
            },
            RemoteAddress::Unix(path) => connector.connect_unix(path),
        };
        let io = timeout(timeouts.connect, connecting)
            .await
            .map_err(|_| ClientError::Timeout(Phase::Connect))?
            .map_err(|source| match SourceNotHere::of(&source) {
                Some(address) => ClientError::SourceNotHere(address),
                None if has_no_room(&source, &remote.address) => ClientError::NoRoom,
                None => {
                    let address = remote.address.clone();
                    ClientError::ConnectFailed { address, source }
                }
            })?;
        let mut connected = Self::new(io, remote, timeouts, protocol);
        match source {
            Some(source) => connected.log_event(&format!("connected from {source}")),
            None => connected.log_event("connected"),
        }
        connected.log.time(Instant::now());
        Ok(connected)
    }
}

impl<Io: Wire> Connection<Io> {
    /// Waits for the greeting and sends EHLO, or HELO if the server does not know EHLO; over LMTP it
    /// sends LHLO.
    ///
    /// *Source*: RFC 5321 sections 3.1 and 3.2, RFC 2033 section 4.1.
    pub(crate) async fn greet(&mut self, helo_name: &str) -> Result<(), ClientError> {
        let greeting = self.exchange(Phase::Greeting).await?;
        self.is_greeted = true;
        self.note_name(&accepted(greeting, Phase::Greeting)?, helo_name);
        let reply = self.hello(helo_name).await?;
        if reply.is_permanent() && !self.is_lmtp() {
            self.encoder().0.helo(helo_name);
            let reply = self.exchange(Phase::Ehlo).await?;
            self.note_name(&accepted(reply, Phase::Ehlo)?, helo_name);
            return Ok(());
        }
        let reply = accepted(reply, Phase::Ehlo)?;
        self.note_name(&reply, helo_name);
        self.offered = Capabilities::parse(&reply);
        self.capabilities = self.offered.clone();
        tracing::debug!(remote = %self.remote.address, "connected");
        Ok(())
    }

    /// Sends EHLO or LHLO.
    pub(super) async fn hello(&mut self, helo_name: &str) -> Result<Reply, ClientError> {
        let is_lmtp = self.is_lmtp();
        let mut encoder = self.encoder().0;
        match is_lmtp {
            true => encoder.lhlo(helo_name),
            false => encoder.ehlo(helo_name),
        }
        self.exchange(Phase::Ehlo).await
    }

    /// Notes whether the server uses our name as its own name, which is the first word of its greeting and
    /// of its reply to EHLO or HELO (RFC 5321 section 4.2).
    pub(super) fn note_name(&mut self, reply: &Reply, helo_name: &str) {
        let name = reply.text().split_ascii_whitespace().next();
        let name = name.map(|name| name.trim_end_matches('.'));
        self.has_our_name |= name.is_some_and(|name| name.eq_ignore_ascii_case(helo_name));
    }
}

/// Whether this process or this machine can have no more connections. This is not the fault of the host to
/// which it connects.
fn has_no_room(error: &io::Error, address: &RemoteAddress) -> bool {
    // ENFILE, EMFILE and ENOBUFS have no kind of their own.
    const NONE_LEFT: [i32; 3] = [23, 24, 105];
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, OutOfMemory, ResourceBusy, WouldBlock};
    let is_none_left = |code| NONE_LEFT.contains(&code);
    match error.kind() {
        // A machine without IPv6 gives this error, too: it can never reach that address.
        AddrNotAvailable => address.ip().is_some_and(|ip| ip.is_ipv4()),
        // For a Unix socket it means that its queue of connections is full.
        WouldBlock => address.unix().is_none(),
        // The source address has no free port.
        AddrInUse | ResourceBusy | OutOfMemory => true,
        _ => error.raw_os_error().is_some_and(is_none_left),
    }
}

pub(super) fn accepted(reply: Reply, phase: Phase) -> Result<Reply, ClientError> {
    if reply.is_positive() {
        return Ok(reply);
    }
    if reply.is_negative() {
        return Err(ClientError::Refused { phase, reply });
    }
    let code = reply.code();
    Err(ClientError::UnexpectedReply { phase, code })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    // ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, ECONNRESET
    #[case::the_hosts(&[111, 110, 101, 113, 104], "192.0.2.1:25", false)]
    // ENFILE, EMFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN, EBUSY
    #[case::ours(&[23, 24, 105, 12, 99, 11, 16], "192.0.2.1:25", true)]
    #[case::no_ipv6(&[99], "[2001:db8::1]:25", false)]
    #[case::no_descriptors_for_ipv6(&[23, 24], "[2001:db8::1]:25", true)]
    // EAGAIN, ENOENT, ECONNREFUSED, EACCES
    #[case::a_unix_sockets(&[11, 2, 111, 13], "unix:/run/lmtp", false)]
    #[case::no_descriptors_for_a_unix_socket(&[23, 24], "unix:/run/lmtp", true)]
    fn what_is_ours_is_no_hosts_fault(
        #[case] codes: &[i32],
        #[case] address: RemoteAddress,
        #[case] is_ours: bool,
    ) {
        for code in codes {
            let error = io::Error::from_raw_os_error(*code);
            assert_eq!(has_no_room(&error, &address), is_ours, "{error}");
        }
    }
}
