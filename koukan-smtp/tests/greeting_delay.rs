//! Clients that wait for their greeting on real sockets: what they hold meanwhile, and how the wait ends.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::time::Duration;

use koukan_smtp::{
    Server,
    server::{Limits, MakeMailService, ServerTimeouts},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use support::{reply_from, running::Running};

/// Time for what does not come; a test that waits for it is wrong.
const LONG: Duration = Duration::from_secs(3600);

const HEADER: &str = "PROXY TCP4 192.0.2.7 192.0.2.1 51234 25\r\n";
const TOO_EARLY: &str = "554 speak after the greeting, closing connection\r\n";

fn greets_after(delay: Duration) -> Server<impl MakeMailService> {
    Server::new(support::service(support::Log::default()))
        .with_timeouts(ServerTimeouts::default().with_greeting_delay(delay))
}

/// All that a client hears until the connection is closed.
async fn heard_by(mut client: TcpStream) -> String {
    let mut octets = Vec::new();
    // A connection that is closed with something unread may be reset.
    let _ = client.read_to_end(&mut octets).await;
    String::from_utf8(octets).unwrap()
}

#[tokio::test]
async fn who_waits_is_counted_and_hears_of_the_servers_end() {
    let limits = Limits::default().with_connections_per_client(2);
    let running = Running::start(greets_after(LONG).with_limits(limits)).await;
    let waiting = [running.connect().await, running.connect().await];
    let third = heard_by(running.connect().await).await;
    assert_eq!(third, "421 too many connections, try again later\r\n");
    running.stop().await;
    for client in waiting {
        let heard = heard_by(client).await;
        assert_eq!(heard, "421 service closing, try again later\r\n");
    }
}

#[tokio::test]
async fn the_header_of_a_proxy_is_not_what_its_client_says() {
    let proxies = || ["127.0.0.0/8".parse().unwrap()];
    let running =
        Running::start(greets_after(Duration::from_millis(1)).with_proxies(proxies())).await;
    let mut client = running.connect().await;
    let (first, rest) = HEADER.split_at(9);
    client.write_all(first.as_bytes()).await.unwrap();
    client.write_all(rest.as_bytes()).await.unwrap();
    assert!(reply_from(&mut client).await.starts_with("220 "));
    running.stop().await;
    // What stands behind it is.
    let running = Running::start(greets_after(LONG).with_proxies(proxies())).await;
    let mut client = running.connect().await;
    let said = format!("{HEADER}EHLO client\r\n");
    client.write_all(said.as_bytes()).await.unwrap();
    assert_eq!(heard_by(client).await, TOO_EARLY);
    running.stop().await;
}
