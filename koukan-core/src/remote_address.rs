//! Addresses that clients connect to.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::Path,
    str::FromStr,
    sync::Arc,
};

/// What a Unix socket's address begins with.
pub(crate) const UNIX: &str = "unix:";
/// The longest path, in octets: the system's limit.
const PATH_MAX: usize = 107;

/// An address to connect to.
///
/// *Shape* as text: an IP address and a port as in `192.0.2.1:25` or `[2001:db8::1]:25`, or the path of a Unix socket
/// as in `unix:/run/dovecot/lmtp`.
///
/// # Example
///
/// ```
/// use koukan_core::network::RemoteAddress;
///
/// let address: RemoteAddress = "unix:/run/dovecot/lmtp".parse()?;
/// assert!(address.is_here() && address.ip().is_none());
/// assert_eq!(address.to_string(), "unix:/run/dovecot/lmtp");
/// # Ok::<(), koukan_core::network::InvalidRemoteAddress>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RemoteAddress {
    /// An IP address and a TCP port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(Arc<Path>),
}

/// Why a text is not an address to connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRemoteAddress {
    /// It has neither form.
    #[error("neither an address as in `192.0.2.1:25` nor as in `unix:/run/dovecot/lmtp`")]
    Neither,
    /// It is not the path of a Unix socket.
    #[error(transparent)]
    Path(#[from] InvalidSocketPath),
}

/// Why a text is not the path of a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSocketPath {
    /// The path is relative.
    #[error("the path of a Unix socket begins with `/`, as in `unix:/run/koukan/smtp`")]
    Relative,
    /// The path is too long for the system.
    #[error("the path of a Unix socket has at most {0} octets")]
    TooLong(usize),
}

impl RemoteAddress {
    /// The IP address and port, if it has them.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The path, if it is one.
    pub fn unix(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }

    /// The IP address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.tcp().map(|address| address.ip())
    }

    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        self.tcp().map(|address| address.port())
    }

    /// Whether octets sent there stay on this host: a loopback address or a Unix socket.
    pub fn is_here(&self) -> bool {
        self.ip().is_none_or(|ip| ip.to_canonical().is_loopback())
    }
}

/// Checks the path of a Unix socket, of at most `max` octets.
pub(crate) fn check_socket_path(path: &str, max: usize) -> Result<(), InvalidSocketPath> {
    if !path.starts_with('/') || path.ends_with('/') || path.contains('\0') {
        return Err(InvalidSocketPath::Relative);
    }
    if path.len() > max {
        return Err(InvalidSocketPath::TooLong(max));
    }
    Ok(())
}

impl From<SocketAddr> for RemoteAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl<Ip: Into<IpAddr>> From<(Ip, u16)> for RemoteAddress {
    fn from(address: (Ip, u16)) -> Self {
        Self::Tcp(address.into())
    }
}

impl FromStr for RemoteAddress {
    type Err = InvalidRemoteAddress;

    fn from_str(text: &str) -> Result<Self, InvalidRemoteAddress> {
        let Some(path) = text.strip_prefix(UNIX) else {
            let address = text.parse().map_err(|_| InvalidRemoteAddress::Neither);
            return address.map(Self::Tcp);
        };
        check_socket_path(path, PATH_MAX)?;
        Ok(Self::Unix(Path::new(path).into()))
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_are_read() {
        for (text, is_here) in [
            ("127.0.0.1:25", true),
            ("[::1]:25", true),
            ("[::ffff:127.0.0.1]:25", true),
            ("192.0.2.1:25", false),
            ("[2001:db8::1]:25", false),
            ("unix:/run/dovecot/a b", true),
        ] {
            let address: RemoteAddress = text.parse().unwrap();
            assert_eq!(
                (address.to_string().as_str(), address.is_here()),
                (text, is_here)
            );
        }
        let long = format!("unix:/{}", "a".repeat(PATH_MAX));
        for (text, error) in [
            ("127.0.0.1", InvalidRemoteAddress::Neither),
            ("/run/dovecot/lmtp", InvalidRemoteAddress::Neither),
            ("unix:lmtp", InvalidSocketPath::Relative.into()),
            ("unix:", InvalidSocketPath::Relative.into()),
            ("unix:/run/", InvalidSocketPath::Relative.into()),
            (&long, InvalidSocketPath::TooLong(PATH_MAX).into()),
        ] {
            assert_eq!(text.parse::<RemoteAddress>(), Err(error), "{text}");
        }
    }
}
