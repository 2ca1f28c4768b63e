//! A network of scripted servers.

use std::{
    collections::VecDeque,
    future::pending,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use koukan_smtp::client::{ClientSettings, Connect, Resolve, SmtpEndpoint};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    task::JoinHandle,
};

use super::script;

/// Octets that fit between client and server.
const PIPE_SIZE: usize = 4 * 1024 * 1024;
/// Octets in a write that is put off once, as sockets do.
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
    addresses: Vec<SocketAddr>,
    writes: usize,
}

/// The client's side of a connection, with vectored writes that are counted.
pub(crate) struct Pipe {
    io: DuplexStream,
    /// Whether the write that comes next was put off.
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
    pub(crate) fn endpoint(&self) -> SmtpEndpoint<Net, Net> {
        self.endpoint_with(|settings| settings)
    }

    pub(crate) fn endpoint_with(
        &self,
        set: impl FnOnce(ClientSettings) -> ClientSettings,
    ) -> SmtpEndpoint<Net, Net> {
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
        SmtpEndpoint::with_transport(set(settings), self.clone(), self.clone())
    }

    /// Writes by the client since this was asked last.
    pub(crate) fn writes(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().writes)
    }

    /// The addresses that were connected to.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.addresses.iter().map(ToString::to_string).collect()
    }

    /// All servers have followed their scripts to the end.
    pub(crate) async fn done(&self) {
        let servers = std::mem::take(&mut self.0.lock().unwrap().servers);
        for server in servers {
            server.await.expect("the script was followed");
        }
        let unused = self.0.lock().unwrap().next.len();
        assert_eq!(unused, 0, "connections that were not opened");
    }
}

impl Connect for Net {
    type Io = Pipe;

    async fn connect(&self, address: SocketAddr) -> io::Result<Pipe> {
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
        Ok(Pipe {
            io,
            is_put_off: false,
            net,
        })
    }
}

impl Resolve for Net {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match host {
            "mx.example" => Ok(vec![([192, 0, 2, 1], port).into()]),
            "two.example" => Ok(vec![
                ([192, 0, 2, 1], port).into(),
                ([192, 0, 2, 2], port).into(),
            ]),
            "local.example" => Ok(vec![([127, 0, 0, 1], port).into()]),
            "mixed.example" => Ok(vec![
                ([169, 254, 169, 254], port).into(),
                ([192, 0, 2, 2], port).into(),
                ([127, 0, 0, 1], port).into(),
            ]),
            "none.example" => Ok(Vec::new()),
            "slow.example" => pending().await,
            _ => Err(io::ErrorKind::NotFound.into()),
        }
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
