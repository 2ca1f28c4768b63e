//! The network for chains that are only explained: names are looked up, but no connection is made.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use async_trait::async_trait;
use koukan_core::{
    explain::Explainer,
    network::{BoxWire, Connector, RemoteAddress},
};

/// Makes no connections, and notes which would have been made.
#[derive(Debug)]
pub(super) struct Unconnected(pub(super) Explainer);

#[async_trait]
impl Connector for Unconnected {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        self.would_connect(address.into())
    }

    async fn connect_from(&self, address: SocketAddr, _: IpAddr) -> io::Result<BoxWire> {
        self.would_connect(address.into())
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        self.would_connect(RemoteAddress::Unix(path.into()))
    }
}

impl Unconnected {
    fn would_connect(&self, address: RemoteAddress) -> io::Result<BoxWire> {
        self.0.would_connect(address);
        let text = "nothing is connected to while a message is explained";
        Err(io::Error::new(io::ErrorKind::ConnectionRefused, text))
    }
}
