//! Where clients connect to.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de::Error};

use crate::remote_address::{InvalidSocketPath, UNIX, check_socket_path};

/// Octets of a path at most, so that it and what is made beside it fit into the address of a socket.
const PATH_MAX: usize = 103;
/// What stands before the name of a socket that is handed over.
const SOCKET: &str = "socket:";
/// Octets of such a name, at most: systemd.socket(5).
const NAME_MAX: usize = 255;

/// An address that is listened on.
///
/// *Shape* as a text: an IP address and a port as in `127.0.0.1:25` or `[::1]:25`, the path of a Unix socket as in
/// `unix:/run/koukan/smtp`, or the name of a socket that is handed over, as in `socket:smtp`.
///
/// # Example
///
/// ```
/// use koukan_core::network::ListenAddress;
///
/// let address: ListenAddress = "unix:/run/koukan/lmtp".parse()?;
/// assert!(address.is_here() && address.port().is_none());
/// assert_eq!(address.to_string(), "unix:/run/koukan/lmtp");
/// # Ok::<(), koukan_core::network::InvalidListenAddress>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListenAddress {
    /// An IP address and a TCP port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// The name of a socket on which somebody else has begun to listen, as systemd knows it: up to 255 ASCII
    /// characters, none of them a control character or a colon.
    HandedOver(Box<str>),
}

/// A text is no address that can be listened on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidListenAddress {
    /// It is none of these.
    #[error(
        "invalid socket address: it is neither as in `127.0.0.1:25` nor as in `unix:/run/koukan/smtp` or `socket:smtp`"
    )]
    Neither,
    /// It is no name of a socket that is handed over.
    #[error("invalid name of a socket: it has 1 to 255 printable ASCII characters and no colon")]
    Name,
    /// It is no path of a Unix socket.
    #[error(transparent)]
    Path(#[from] InvalidSocketPath),
}

impl ListenAddress {
    /// The IP address and port, if it has them.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) | Self::HandedOver(_) => None,
        }
    }

    /// The path, if it is one.
    pub fn unix(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp(_) | Self::HandedOver(_) => None,
        }
    }

    /// The name of a socket that is handed over, if it is one.
    pub fn handed_over(&self) -> Option<&str> {
        match self {
            Self::HandedOver(name) => Some(name),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }

    /// The port, if it has one.
    pub fn port(&self) -> Option<u16> {
        self.tcp().map(|address| address.port())
    }

    /// Whether only processes of this host can connect to it: a loopback address, or a Unix socket. Of a socket that
    /// is handed over that is not known.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
            Self::HandedOver(_) => false,
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        if let Some(name) = text.strip_prefix(SOCKET) {
            let is_name = (1..=NAME_MAX).contains(&name.len());
            let is_part = |one: u8| (one.is_ascii_graphic() || one == b' ') && one != b':';
            return match is_name && name.bytes().all(is_part) {
                true => Ok(Self::HandedOver(name.into())),
                false => Err(InvalidListenAddress::Name),
            };
        }
        let Some(path) = text.strip_prefix(UNIX) else {
            let address = text.parse().map_err(|_| InvalidListenAddress::Neither);
            return address.map(Self::Tcp);
        };
        check_socket_path(path, PATH_MAX)?;
        Ok(Self::Unix(path.into()))
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            Self::HandedOver(name) => write!(f, "{SOCKET}{name}"),
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
            ("[::1]:0", true),
            ("192.0.2.1:25", false),
            ("0.0.0.0:25", false),
            ("unix:/run/koukan/a b", true),
            ("socket:smtp", false),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(
                (address.to_string().as_str(), address.is_here()),
                (text, is_here)
            );
        }
        use InvalidListenAddress::Neither;
        let relative = InvalidListenAddress::from(InvalidSocketPath::Relative);
        let long = format!("unix:/{}", "a".repeat(PATH_MAX));
        for (text, error) in [
            ("127.0.0.1", Neither),
            ("/run/koukan/smtp", Neither),
            ("unix:run/smtp", relative.clone()),
            ("unix:/run/", relative.clone()),
            ("unix:", relative),
            ("socket:", InvalidListenAddress::Name),
            ("socket:a:b", InvalidListenAddress::Name),
            ("socket:a\n", InvalidListenAddress::Name),
            (&long, InvalidSocketPath::TooLong(PATH_MAX).into()),
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(error), "{text}");
        }
    }
}
