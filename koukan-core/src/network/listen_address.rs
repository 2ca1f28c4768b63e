//! The addresses that servers listen on.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de::Error};

use crate::remote_address::{InvalidSocketPath, UNIX, check_socket_path};

/// The longest path, in octets, so that the path and temporary names beside it fit into a socket
/// address.
const PATH_MAX: usize = 103;
/// The prefix for the name of an inherited socket.
const SOCKET: &str = "socket:";
/// The longest such name, in octets: systemd.socket(5).
const NAME_MAX: usize = 255;

/// An address to listen on.
///
/// *Shape* as text: an IP address and a port as in `127.0.0.1:25` or `[::1]:25`; the path of a Unix socket as in
/// `unix:/run/koukan/smtp`; or the name of an inherited socket as in `socket:smtp`.
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
    /// The name of an inherited socket, as systemd knows it: up to 255 ASCII characters without control
    /// characters and colons.
    HandedOver(Box<str>),
}

/// Why a text is not an address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidListenAddress {
    /// It has none of these forms.
    #[error(
        "invalid socket address: it is neither as in `127.0.0.1:25` nor as in `unix:/run/koukan/smtp` or `socket:smtp`"
    )]
    Neither,
    /// It is not the name of an inherited socket.
    #[error("invalid name of a socket: it has 1 to 255 printable ASCII characters and no colon")]
    Name,
    /// It is not the path of a Unix socket.
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

    /// The name of an inherited socket, if it is one.
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

    /// Whether only processes on this host can connect: a loopback address or a Unix socket. For an inherited socket
    /// that is unknown.
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
