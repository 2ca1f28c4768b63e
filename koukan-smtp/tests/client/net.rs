//! A network of scripted servers.

use std::{
    collections::VecDeque,
    fmt,
    future::pending,
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use async_trait::async_trait;
use koukan_core::network::{BoxWire, Connector, DnsAnswer, LookupError, RemoteAddress, Resolver};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    task::JoinHandle,
};

use super::script;

/// The octets that fit between client and server.
const PIPE_SIZE: usize = 4 * 1024 * 1024;
/// From this size on, in octets, a write is put off once, as sockets may do.
const LARGE_WRITE: usize = 64 * 1024;

/// What happens when the client connects for the next time.
pub(crate) enum Next {
    Script(String),
    Refused,
    Silent,
}

/// Gives each connection that the client opens to the next script.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    next: VecDeque<Next>,
    servers: Vec<JoinHandle<()>>,
    addresses: Vec<RemoteAddress>,
    writes: usize,
}

/// The client's side of a connection, with vectored writes that are counted.
pub(crate) struct Pipe {
    io: DuplexStream,
    /// Whether the last write was put off.
    is_put_off: bool,
    net: Net,
}

impl Net {
    pub(crate) fn new<S: Into<String>>(scripts: impl IntoIterator<Item = S>) -> Self {
        let scripts = scripts
            .into_iter()
            .map(|script| Next::Script(script.into()));
        Self::with(scripts)
    }

    pub(crate) fn with(next: impl IntoIterator<Item = Next>) -> Self {
        let net = Self::default();
        net.0.lock().unwrap().next = next.into_iter().collect();
        net
    }

    /// An endpoint on this network, for one host.
    pub(crate) fn endpoint(&self) -> SmtpEndpoint {
        self.endpoint_with(|settings| settings)
    }

    pub(crate) fn endpoint_with(
        &self,
        set: impl FnOnce(ClientSettings) -> ClientSettings,
    ) -> SmtpEndpoint {
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
        self.endpoint_of(set(settings))
    }

    pub(crate) fn endpoint_of(&self, settings: ClientSettings) -> SmtpEndpoint {
        let net = Arc::new(self.clone());
        SmtpEndpoint::with_network(settings, net.clone(), net)
    }

    /// The number of writes by the client since the last call.
    pub(crate) fn writes(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().writes)
    }

    /// The addresses that the client has connected to.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.addresses.iter().map(ToString::to_string).collect()
    }

    /// Waits until all servers have followed their scripts to the end.
    pub(crate) async fn done(&self) {
        let servers = std::mem::take(&mut self.0.lock().unwrap().servers);
        for server in servers {
            server.await.expect("the script was followed");
        }
        let unused = self.0.lock().unwrap().next.len();
        assert_eq!(unused, 0, "connections that were not opened");
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Net")
    }
}

#[async_trait]
impl Connector for Net {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        self.open(address.into()).await
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        self.open(RemoteAddress::Unix(path.into())).await
    }
}

impl Net {
    async fn open(&self, address: RemoteAddress) -> io::Result<BoxWire> {
        let next = {
            let mut state = self.0.lock().unwrap();
            state.addresses.push(address);
            state.next.pop_front().expect("one connection too many")
        };
        let script = match next {
            Next::Script(script) => script,
            Next::Refused => return Err(io::ErrorKind::ConnectionRefused.into()),
            Next::Silent => pending().await,
        };
        let (io, server) = duplex(PIPE_SIZE);
        let server = tokio::spawn(script::follow(script, server));
        self.0.lock().unwrap().servers.push(server);
        let net = self.clone();
        Ok(Box::new(Pipe {
            io,
            is_put_off: false,
            net,
        }))
    }
}

#[async_trait]
impl Resolver for Net {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        let addresses: &[[u8; 4]] = match host {
            "mx.example" => &[[192, 0, 2, 1]],
            "two.example" => &[[192, 0, 2, 1], [192, 0, 2, 2]],
            "local.example" => &[[127, 0, 0, 1]],
            "mixed.example" => &[[169, 254, 169, 254], [192, 0, 2, 2], [127, 0, 0, 1]],
            "none.example" => &[],
            "slow.example" => pending().await,
            _ => return Err(LookupError::NoSuchName),
        };
        let addresses = addresses.iter().map(|address| (*address).into());
        Ok(DnsAnswer::insecure(addresses))
    }
}

// === impl Pipe ===

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_put_off = !self.is_put_off && octets.len() >= LARGE_WRITE;
        if self.is_put_off {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let result = Pin::new(&mut self.io).poll_write(cx, octets);
        if result.is_ready() {
            self.net.0.lock().unwrap().writes += 1;
        }
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut octets = Vec::new();
        for slice in slices {
            let room = PIPE_SIZE - octets.len();
            octets.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.poll_write(cx, &octets)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
