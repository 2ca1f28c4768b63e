//! A client with another address than the tests' own, which takes everything that it can get.

use std::net::{SocketAddr, TcpStream};

use crate::process::connect_from;

const ADDRESS: [u8; 4] = [127, 0, 0, 2];

/// Opens that many connections, on which nothing is sent.
pub(crate) fn connections(server: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connect = || connect_from(ADDRESS, server).unwrap();
    (0..count).map(|_| connect()).collect()
}
