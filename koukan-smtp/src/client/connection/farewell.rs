//! The end of the dialogue on a connection.

use std::future::poll_fn;

use koukan_core::reply::Reply;
use tokio::time::timeout;

use crate::{
    client::{ClientError, Phase, Wire},
    codec::CodesDiffer,
};

use super::Connection;

impl<Io: Wire> Connection<Io> {
    /// Reads the replies that the server owes, and ends the transaction with RSET. Returns whether
    /// the connection can be used for another transaction.
    ///
    /// The caller limits the time.
    ///
    /// *Source*: RFC 5321 section 4.1.1.5.
    pub(crate) async fn reset(&mut self, owed: usize) -> bool {
        for _ in 0..owed {
            match self.exchange(Phase::Rset).await {
                // After 354 the server would take RSET for a line of the message.
                Ok(reply) if !reply.closes_connection() && !reply.code().is_intermediate() => {}
                _ => return false,
            }
        }
        self.encoder().0.rset();
        let reply = self.exchange(Phase::Rset).await;
        self.end_transaction();
        let is_plain =
            |reply: Reply| reply.is_positive() && reply.extensions().get::<CodesDiffer>().is_none();
        reply.is_ok_and(is_plain) && self.is_quiet()
    }

    /// Sends QUIT, and waits a little for the reply, so that it does not arrive at a closed port.
    ///
    /// *Source*: RFC 5321 section 4.1.1.10.
    pub(crate) async fn quit(mut self) {
        self.encoder().0.quit();
        let limit = self.timeouts.quit;
        let answered = async {
            // Replies that are owed come before the reply to QUIT.
            loop {
                let is_over = match self.exchange(Phase::Quit).await {
                    Ok(reply) => reply.ends_session(),
                    Err(error) => !matches!(error, ClientError::InvalidReply { .. }),
                };
                // After a reply without an end, reading would fail again at once.
                if is_over || self.is_ended {
                    return;
                }
            }
        };
        // The reply is not needed.
        let _ = timeout(limit, answered).await;
    }

    /// Writes the output and waits for one reply.
    pub(super) async fn exchange(&mut self, phase: Phase) -> Result<Reply, ClientError> {
        poll_fn(|cx| self.poll_exchange(cx, phase)).await
    }
}
