//! Why a session ends.

use koukan_core::reply::Reply;

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client said QUIT.
    Quit,
    /// The client is gone, or does not take replies off the wire.
    Gone,
    /// The server closes the connection with that reply, a 421.
    Closed(Reply),
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}
