//! Addresses for servers under test.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicU16, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::Failed;

/// A free loopback address, with a port below those that outgoing connections get.
pub(crate) fn free_address() -> Result<SocketAddr, Failed> {
    static NEXT: AtomicU16 = AtomicU16::new(10_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if port >= 32_000 {
            return Err("no free port".into());
        }
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

pub(crate) fn await_listener(address: SocketAddr) -> Result<(), Failed> {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("nobody listens on {address}").into());
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}
