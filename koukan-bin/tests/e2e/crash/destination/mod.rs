//! Destinations: one that is always there, and one that comes and goes. The recipients' addresses
//! say what they do with a message.

mod session;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use crate::{choices::Choices, process::free_address};

use super::book::Book;

use self::session::Session;

pub(super) struct Destination {
    pub(super) steady: SocketAddr,
    pub(super) flapping: SocketAddr,
    _runtime: Runtime,
}

impl Destination {
    pub(super) fn start(book: &Arc<Book>, seed: u64) -> Self {
        let runtime = Runtime::new().unwrap();
        let [steady, flapping] = [(); 2].map(|()| free_address());
        let listener = runtime.block_on(TcpListener::bind(steady)).unwrap();
        let shared = Arc::clone(book);
        runtime.spawn(async move {
            // This destination is never told to close.
            let (_open, is_closing) = watch::channel(false);
            accept(&listener, &shared, &is_closing).await;
        });
        runtime.spawn(flap(flapping, Arc::clone(book), seed));
        Self {
            steady,
            flapping,
            _runtime: runtime,
        }
    }
}

/// Alternates between listening and not listening; connections are closed only between two
/// commands.
async fn flap(address: SocketAddr, book: Arc<Book>, seed: u64) {
    for time in 0_u32.. {
        let mut choices = Choices::new(seed, "flap", time);
        let [up, down] = [(300, 900), (100, 400)].map(|(least, most)| {
            let millis = choices.between(least, most);
            Duration::from_millis(millis as u64)
        });
        let (closing, is_closing) = watch::channel(false);
        if let Ok(listener) = TcpListener::bind(address).await {
            let end = Instant::now() + up;
            // `accept` never ends by itself.
            let _ = timeout_at(end, accept(&listener, &book, &is_closing)).await;
        }
        let _ = closing.send(true);
        sleep(down).await;
    }
}

async fn accept(listener: &TcpListener, book: &Arc<Book>, is_closing: &watch::Receiver<bool>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let session = Session::new(stream, Arc::clone(book), is_closing.clone());
            // Clients that are killed break off their sessions.
            tokio::spawn(async move {
                let _ = session.run().await;
            });
        }
    }
}
