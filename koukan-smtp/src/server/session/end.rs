//! Why a session ends.

use koukan_core::reply::Reply;

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client said QUIT.
    Quit,
    /// The client has closed its half of the connection, and has no command left that is not
    /// answered, other than one that a greeter has thought about for too long. It may still take what
    /// it was answered.
    HungUp,
    /// The connection is lost, or the client does not take replies off the wire.
    Gone,
    /// The server has had enough of the client, and closes the connection with that reply.
    Closed(Reply),
    /// The server stops.
    Stopped,
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}
