use std::{fmt, path::PathBuf, str::FromStr};

use koukan_core::signals::HostPort;

/// Where a server listens.
///
/// *Shape*: as text `HOST:PORT`, or `unix:PATH` for a socket in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A host and a TCP port.
    Tcp(HostPort),
    /// A Unix socket.
    Unix(PathBuf),
}

/// The text is not the address of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address such as `127.0.0.1:3310` or `unix:/run/clamav/clamd.ctl`")]
pub struct InvalidAddress;

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return path
                .is_absolute()
                .then_some(Self::Unix(path))
                .ok_or(InvalidAddress);
        }
        match text.parse::<HostPort>() {
            Ok(host) if host.port != 0 => Ok(Self::Tcp(host)),
            _ => Err(InvalidAddress),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => host.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_prints() {
        for text in [
            "localhost:3310",
            "[::1]:11333",
            "unix:/run/clamav/clamd.ctl",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "localhost",
            "localhost:0",
            "unix:",
            "unix:clamd.ctl",
            ":1",
        ] {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress), "{text}");
        }
    }
}
