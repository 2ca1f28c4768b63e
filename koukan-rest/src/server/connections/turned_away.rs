//! Clients that have too many connections.

use std::{sync::Arc, time::Duration};

use koukan_core::network::ServerStream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
    time::timeout,
};

/// How many are answered at the same time; further ones are closed without an answer.
const AT_ONCE: usize = 16;
/// How long a client has to read the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// The response, whatever the request.
const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    Retry-After: 5\r\n\
    Connection: close\r\n\
    Content-Length: 0\r\n\r\n";

/// Turns clients away: with a 503 as long as there is room for that.
pub(super) struct TurnedAway(Arc<Semaphore>);

impl TurnedAway {
    /// Answers a connection that is not admitted. `tell` is called in the task that does so.
    pub(super) fn answer(&self, mut stream: ServerStream, tell: impl FnOnce() + Send + 'static) {
        let room = Arc::clone(&self.0).try_acquire_owned();
        tokio::spawn(async move {
            tell();
            if room.is_ok() {
                // The client may be gone; then it gets no answer.
                let _ = timeout(PATIENCE, dismiss(&mut stream)).await;
            }
        });
    }
}

/// Sends the response, and reads what the client sends. If the socket were closed while input is
/// unread, the client's system could discard the response.
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
