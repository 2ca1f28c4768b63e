//! A DNS server that knows only one zone, for resolvers under test.

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

/// The most octets in a question.
const LARGEST: usize = 1232;
/// How long it may take to notice that the server is to end.
const STEP: Duration = Duration::from_millis(50);

/// A server on a thread of its own, over UDP. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Dns {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dns {
    /// Listens on that address; port 0 stands for any free port.
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
                    // A client without an answer asks again.
                    let _ = socket.send_to(&answer, client);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The client may have closed its port.
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
            // A failure has already been reported.
            let _ = thread.join();
        }
    }
}
