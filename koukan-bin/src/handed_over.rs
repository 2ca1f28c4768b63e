//! Sockets that were already listening when this process was started, by systemd or in the same
//! way: `LISTEN_FDS`, `LISTEN_FDNAMES` and `LISTEN_PID` of sd_listen_fds(3).
//!
//! The variables stay in the environment, since changing it is not safe while other threads run. This misleads nobody: the agent
//! starts no programs that could inherit them, `LISTEN_PID` names this process only, and the sockets are closed on exec.

use std::{io, os::fd::OwnedFd};

use koukan_core::network::BoundSocket;
use rustix::{io::FdFlags, net::sockopt::socket_acceptconn};

use crate::agent::Koukan;

/// What was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidHandOver {
    /// The environment variables are not valid.
    #[error("cannot tell which sockets were handed over: {0}")]
    Environment(String),
    /// Two sockets have the same name.
    #[error(
        "two sockets were handed over with the name `{0}`: give each a unit and a `FileDescriptorName=`"
    )]
    Twice(String),
    /// It is not a listening socket.
    #[error(
        "what was handed over as `{0}` is no socket of TCP or Unix on which connections can be accepted"
    )]
    Socket(String, #[source] io::Error),
}

/// Gives the agent the sockets that were handed over to this process. Call this only once.
pub(crate) fn take(mut agent: Koukan) -> Result<Koukan, InvalidHandOver> {
    let all = sd_listen_fds::get();
    let all = all.map_err(|error| InvalidHandOver::Environment(error.to_string()))?;
    let mut names = Vec::new();
    for (name, descriptor) in all {
        let name = name.unwrap_or_else(|| "unknown".to_owned());
        if names.contains(&name) {
            return Err(InvalidHandOver::Twice(name));
        }
        let socket = socket(descriptor.into_std());
        let socket = socket.map_err(|error| InvalidHandOver::Socket(name.clone(), error))?;
        agent = agent.with_socket(name.as_str(), socket);
        names.push(name);
    }
    Ok(agent)
}

/// A listening socket that child processes do not inherit.
fn socket(descriptor: OwnedFd) -> io::Result<BoundSocket> {
    if !socket_acceptconn(&descriptor)? {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    BoundSocket::try_from(descriptor)
}
