//! A DNS server that knows a zone and nothing else, for resolvers under test.

mod answer;
#[cfg(test)]
mod tests;
mod zone;

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::Failed;

use self::answer::answer;
pub(crate) use self::zone::Zone;

/// Octets of a question, at most.
const LARGEST: usize = 1232;
/// How long an end may go unnoticed.
const STEP: Duration = Duration::from_millis(50);

/// A server in a thread of its own, by UDP. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Dns {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dns {
    /// Answers at that address; port 0 stands for one that is free.
    pub(crate) fn start(zone: Arc<Zone>, address: SocketAddr) -> Result<Self, Failed> {
        let socket = UdpSocket::bind(address)
            .map_err(|error| format!("the DNS server cannot have {address}: {error}"))?;
        socket.set_read_timeout(Some(STEP))?;
        let is_over = Arc::new(AtomicBool::new(false));
        Ok(Self {
            address: socket.local_addr()?,
            thread: Some(thread::spawn({
                let is_over = Arc::clone(&is_over);
                move || serve(&socket, &zone, &is_over)
            })),
            is_over,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn serve(socket: &UdpSocket, zone: &Zone, is_over: &AtomicBool) {
    let mut question = [0; LARGEST];
    while !is_over.load(Ordering::Relaxed) {
        match socket.recv_from(&mut question) {
            Ok((length, client)) => {
                if let Some(answer) = answer(&question[..length], zone) {
                    // Who hears nothing asks again.
                    let _ = socket.send_to(&answer, client);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A client's port may be closed by now.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => {
                eprintln!("the DNS server ends: {error}");
                return;
            }
        }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has told if it failed.
            let _ = thread.join();
        }
    }
}
