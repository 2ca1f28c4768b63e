//! Connections that are pipes.

use std::{
    collections::HashSet,
    fmt,
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::io::{DuplexStream, duplex};

use crate::network::{BoxWire, Connector};

/// The capacity of a pipe in octets.
const PIPE: usize = 64 << 10;

type Serve = dyn Fn(SocketAddr, DuplexStream) + Send + Sync;

/// A [`Connector`] whose connections are pipes to the test. Clones share it.
///
/// # Example
///
/// ```
/// use koukan_core::{network::Connector, test_util::ScriptedConnector};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let refused = "192.0.2.2:25".parse().unwrap();
/// let connector = ScriptedConnector::new(|_, mut io| {
///     tokio::spawn(async move { io.write_all(b"220 hello\r\n").await });
/// })
/// .with_refused(refused);
/// let mut wire = connector.connect("192.0.2.1:25".parse().unwrap()).await.unwrap();
/// let mut greeting = String::new();
/// wire.read_to_string(&mut greeting).await.unwrap();
/// assert_eq!(greeting, "220 hello\r\n");
/// assert!(connector.connect(refused).await.is_err());
/// assert_eq!(connector.asked().len(), 2);
/// # });
/// ```
#[derive(Clone)]
pub struct ScriptedConnector {
    serve: Arc<Serve>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    refused: HashSet<SocketAddr>,
    silent: HashSet<SocketAddr>,
    asked: Vec<SocketAddr>,
}

impl ScriptedConnector {
    /// Gives the server's end of each connection to `serve`, which spawns the server's side.
    pub fn new(serve: impl Fn(SocketAddr, DuplexStream) + Send + Sync + 'static) -> Self {
        Self {
            serve: Arc::new(serve),
            state: Arc::default(),
        }
    }

    /// Refuses connections to an address.
    #[must_use]
    pub fn with_refused(self, address: SocketAddr) -> Self {
        self.lock().refused.insert(address);
        self
    }

    /// Makes connections to an address wait forever.
    #[must_use]
    pub fn with_silent(self, address: SocketAddr) -> Self {
        self.lock().silent.insert(address);
        self
    }

    /// The addresses to which connections were requested so far.
    pub fn asked(&self) -> Vec<SocketAddr> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connector for ScriptedConnector {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        let is_silent = {
            let mut state = self.lock();
            state.asked.push(address);
            if state.refused.contains(&address) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            state.silent.contains(&address)
        };
        if is_silent {
            return pending().await;
        }
        let (ours, theirs) = duplex(PIPE);
        (self.serve)(address, theirs);
        Ok(Box::new(ours))
    }
}

impl fmt::Debug for ScriptedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedConnector")
            .field("state", &*self.lock())
            .finish_non_exhaustive()
    }
}
