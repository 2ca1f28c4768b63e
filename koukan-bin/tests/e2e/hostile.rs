//! A client with another address than the tests' own, which takes everything that it can get.

use std::{
    io,
    net::{SocketAddr, TcpStream},
};

use tokio::net::TcpSocket;

const ADDRESS: [u8; 4] = [127, 0, 0, 2];

/// Opens that many connections, on which nothing is sent.
pub(crate) fn connections(server: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connect = async || {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((ADDRESS, 0)))?;
        let stream = socket.connect(server).await?.into_std()?;
        stream.set_nonblocking(false)?;
        Ok::<_, io::Error>(stream)
    };
    let connect_all = async {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(connect().await.unwrap());
        }
        connections
    };
    koukan::command::block_on(Some(1), connect_all).unwrap()
}
