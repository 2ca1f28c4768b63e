//! Clients that hold TLS connections without sending anything, and new clients that measure how
//! soon they are greeted.

use std::{
    io::stdin,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use clap::Args;
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};
use tokio_util::either::Either;

use crate::{
    Failed, descriptors,
    generate::{begin_tls, greet},
    histogram::Histogram,
    tls::{Client, Counts, Stream},
};

/// Connections that are made at the same time.
const AT_ONCE: u32 = 32;
/// Addresses of clients, so many that no client exceeds the limit for one client.
const ADDRESSES: u32 = 200;

/// The connections to hold.
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The address to connect to.
    address: SocketAddr,
    /// The certificate to trust.
    #[arg(long)]
    tls: PathBuf,
    /// Connections that are held.
    #[arg(long, default_value_t = 5_000)]
    connections: u32,
    /// New clients that are then greeted, one after the other.
    #[arg(long, default_value_t = 400)]
    greetings: u32,
}

impl Hold {
    /// Makes the connections, prints the report, and holds the connections until standard input ends.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        descriptors::raise();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (held, told) = runtime.block_on(self.hold())?;
        println!("{told}");
        stdin().read_line(&mut String::new())?;
        drop(held);
        Ok(())
    }

    /// The connections, and how soon new clients were greeted.
    pub(crate) async fn hold(&self) -> Result<(Vec<Stream>, Value), Failed> {
        let counts = Arc::new(Counts::default());
        let client = Client::new(&self.tls, false, Arc::clone(&counts))?;
        let mut held = Vec::new();
        let mut opening = JoinSet::new();
        for number in 0..self.connections {
            if number >= AT_ONCE
                && let Some(stream) = opening.join_next().await
            {
                held.push(stream??);
            }
            opening.spawn(begin(self.address, number, client.clone()));
        }
        while let Some(stream) = opening.join_next().await {
            held.push(stream??);
        }
        let mut latencies = Histogram::default();
        for _ in 0..self.greetings {
            latencies.add(greeting(self.address).await?);
        }
        let told = json!({
            "connections": held.len(),
            "handshakes": counts.report(),
            "p50_ms": latencies.percentile(0.5),
            "p99_ms": latencies.percentile(0.99),
        });
        Ok((held, told))
    }
}

/// A TLS connection, from one of many loopback addresses.
async fn begin(address: SocketAddr, number: u32, client: Client) -> Result<Stream, Failed> {
    let socket = TcpSocket::new_v4()?;
    if address.ip().is_loopback() {
        let last = u8::try_from(number % ADDRESSES)? + 1;
        socket.bind((Ipv4Addr::new(127, 0, 2, last), 0).into())?;
    }
    let mut stream = socket.connect(address).await?;
    let mut input = Vec::new();
    greet(&mut stream, &mut input).await?;
    begin_tls(Either::Left(stream), &client, &mut input).await
}

/// How long a client waits from connecting until it has the whole greeting.
async fn greeting(address: SocketAddr) -> Result<std::time::Duration, Failed> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    let mut input = Vec::new();
    while !input.ends_with(b"\r\n") {
        if stream.read_buf(&mut input).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
    match input.starts_with(b"220") {
        true => Ok(start.elapsed()),
        false => Err(String::from_utf8_lossy(&input).into_owned().into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tokio::net::TcpListener;

    use crate::{
        sink::{Ledger, accept_default},
        tls::{Identity, Server},
    };

    use super::Hold;

    #[tokio::test]
    async fn all_connections_are_there_while_others_are_greeted() {
        let identity = Identity::make().unwrap();
        let server = Server::new(&identity.certificate(), &identity.key(), true).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hold = Hold {
            address: listener.local_addr().unwrap(),
            tls: identity.certificate(),
            connections: 40,
            greetings: 3,
        };
        let ledger = Arc::new(Mutex::new(Ledger::new(0, 1)));
        let accepting = tokio::spawn(accept_default(listener, ledger, Some(server.clone())));
        let (held, told) = hold.hold().await.unwrap();
        accepting.abort();
        assert_eq!((held.len(), &told["connections"]), (40, &json!(40)));
        assert_eq!(server.counts().report(), json!({"full": 40, "resumed": 0}));
        assert!(told["p99_ms"].as_f64().unwrap() > 0.0, "{told}");
    }
}
