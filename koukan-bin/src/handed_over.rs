//! Sockets that were already listening when this process was started, by systemd or in the same
//! way: `LISTEN_FDS`, `LISTEN_FDNAMES` and `LISTEN_PID` of sd_listen_fds(3).
//!
//! The variables stay in the environment, since changing it is not safe while other threads run. This misleads nobody: the agent
//! starts no programs that could inherit them, `LISTEN_PID` names this process only, and the sockets are closed on exec.

use std::{env, fs, io, os::fd::OwnedFd, path::Path};

use koukan_core::network::BoundSocket;
use rustix::{io::FdFlags, net::sockopt::socket_acceptconn};

use crate::agent::Koukan;

/// The first descriptor that is handed over: SD_LISTEN_FDS_START.
const FIRST: u64 = 3;
/// What this process knows of its descriptors.
const DESCRIPTORS: &str = "/proc/self/fdinfo";
/// The flag of a descriptor that was opened by this process: it is closed on exec.
const OWN: u32 = 0o2_000_000;

/// What was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidHandOver {
    /// The environment variables are not valid.
    #[error("cannot tell which sockets were handed over: {0}")]
    Environment(String),
    /// The descriptors are not there.
    #[error(
        "LISTEN_FDS promises {said} sockets, of which {found} were handed over: they must be the descriptors from {FIRST} on"
    )]
    Fewer {
        /// The number in the environment.
        said: u64,
        /// How many there are.
        found: u64,
    },
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
    check_count()?;
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

/// Checks that the descriptors are there. The library believes the environment, and would take descriptors that do not
/// exist, or that this process has opened for itself.
fn check_count() -> Result<(), InvalidHandOver> {
    let variable = |name| env::var(name).ok()?.parse::<u32>().ok();
    let said = variable("LISTEN_FDS").map_or(0, u64::from);
    let is_ours = variable("LISTEN_PID") == Some(std::process::id());
    if !is_ours || !Path::new(DESCRIPTORS).exists() {
        return Ok(());
    }
    let mut missing = (0..said).filter(|index| !is_inherited(FIRST + index));
    match missing.next() {
        Some(found) => Err(InvalidHandOver::Fewer { said, found }),
        None => Ok(()),
    }
}

/// Whether the descriptor was there when this process was started.
fn is_inherited(descriptor: u64) -> bool {
    let known = match fs::read_to_string(format!("{DESCRIPTORS}/{descriptor}")) {
        Ok(known) => known,
        // Some systems do not show it to a process with capabilities of its own.
        Err(error) => return error.kind() != io::ErrorKind::NotFound,
    };
    let flags = known.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_none_or(|flags| flags & OWN == 0)
}

/// A listening socket that child processes do not inherit.
fn socket(descriptor: OwnedFd) -> io::Result<BoundSocket> {
    if !socket_acceptconn(&descriptor)? {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    BoundSocket::try_from(descriptor)
}
