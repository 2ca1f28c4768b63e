//! Clients that have too many connections.

use std::{sync::Arc, time::Duration};

use koukan_core::network::ServerStream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
    time::timeout,
};

/// How many are answered at the same time; more are closed without a word.
const AT_ONCE: usize = 16;
/// How long a client has to read the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// What they are told, whatever they ask.
const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Retry-After: 5\r\n\
    Connection: close\r\n\
    Content-Length: 0\r\n\r\n";

/// Turns clients away, with 503 as far as there is room for that.
pub(super) struct TurnedAway(Arc<Semaphore>);

impl TurnedAway {
    /// Answers a connection that is not let in; `tell` is called in the task that does so.
    pub(super) fn answer(&self, mut stream: ServerStream, tell: impl FnOnce() + Send + 'static) {
        let room = Arc::clone(&self.0).try_acquire_owned();
        tokio::spawn(async move {
            tell();
            if room.is_ok() {
                // It may be gone, and need not hear of it.
                let _ = timeout(PATIENCE, dismiss(&mut stream)).await;
            }
        });
    }
}

/// Answers, and reads what the client says: what comes after the end would make its system throw the
/// answer away.
async fn dismiss(stream: &mut ServerStream) -> std::io::Result<()> {
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    let mut octets = [0; 1 << 10];
    while stream.read(&mut octets).await? > 0 {}
    Ok(())
}

impl Default for TurnedAway {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}
