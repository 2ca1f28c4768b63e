//! A client that says what it is told to.

use koukan_core::{network::BoxWire, tls::ClientTls};
use tokio::io::{AsyncReadExt, AsyncWriteExt, empty};

use crate::support::{self, running::Running};

pub(crate) struct LineClient {
    pub(crate) io: BoxWire,
}

impl LineClient {
    /// Connects, and says nothing yet.
    pub(crate) async fn connect(running: &Running) -> Self {
        Self {
            io: Box::new(running.connect().await),
        }
    }

    /// Begins with TLS, with a server of that name.
    pub(crate) async fn begin_tls(&mut self, tls: &ClientTls, name: &str) {
        let io = std::mem::replace(&mut self.io, Box::new(empty()));
        let (io, facts) = tls.connect(name, io).await.unwrap();
        assert_eq!(&*facts.version, "TLSv1.3");
        self.io = Box::new(io);
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.io.write_all(octets.as_ref()).await.unwrap();
        self.io.flush().await.unwrap();
    }

    /// The next reply, without the id of a message.
    pub(crate) async fn reply(&mut self) -> String {
        support::without_ids(&support::reply_from(&mut self.io).await)
    }

    /// Says something; returns the reply.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        self.reply().await
    }

    /// What still comes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut octets = Vec::new();
        // A connection that is closed with something unread may be reset.
        let _ = self.io.read_to_end(&mut octets).await;
        String::from_utf8_lossy(&octets).into_owned()
    }
}
