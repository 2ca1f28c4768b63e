//! Why a session ends.

use koukan_core::reply::Reply;

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client said QUIT.
    Quit,
    /// The client has closed its half of the connection, and every command of it has been answered,
    /// except for one on which a greeter took too long. The client may still read the replies.
    HungUp,
    /// The connection is lost, or the client does not read its replies.
    Gone,
    /// The server closes the connection with that reply, because of what the client has done.
    Closed(Reply),
    /// The server stops.
    Stopped,
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}
