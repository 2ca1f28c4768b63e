//! How a stop ends what clients still come for, before they are refused.

use std::time::Duration;

use koukan_core::{causes::Causes, stage::rest_handler::Attempts, storage::Storage};
use tokio::time::{sleep, timeout};

/// How long transactions that are not kept still begin. They end before the agent does, and their clients must be able to
/// come again until then.
const LAST_CLIENTS: Duration = Duration::from_secs(1);
/// How long the backend is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long clients may take to come again, and those who were sent here to arrive.
const LINGER: Duration = Duration::from_secs(1);

/// Sees to it that nobody has a reason to come any more before connections are refused.
///
/// | from | what ends |
/// |---|---|
/// | the beginning | transactions that are kept are no longer attempted here |
/// | 1 s, or earlier once no attempt is under way | transactions that are not kept are refused |
/// | the end of the last attempt: 1 s, in which clients ask what has become of it | other processes send no requests here |
/// | then: 1 s, in which requests arrive that were sent here before | — |
pub(super) struct Farewell {
    pub(super) storage: Storage,
    pub(super) attempts: Attempts,
    /// Whether what is created outlives the process.
    pub(super) keeps: bool,
    /// Whether clients come again by other connections, for what is here alone.
    pub(super) is_asked_again: bool,
    /// Whether other processes send requests here.
    pub(super) is_known: bool,
}

impl Farewell {
    /// Says it, and returns when everybody who was here has been answered. `sessions` are the SMTP clients.
    pub(super) async fn say(&self, sessions: impl Future<Output = ()>) {
        match self.keeps {
            true => self.attempts.stop(),
            false => self.attempts.stop_without_queue(),
        }
        let ended = async {
            sessions.await;
            self.attempts.ended().await;
        };
        tokio::pin!(ended);
        let has_ended = timeout(LAST_CLIENTS, &mut ended).await.is_ok();
        self.attempts.leave();
        if !has_ended {
            ended.await;
        }
        // What began before that.
        self.attempts.ended().await;
        if self.is_asked_again || self.is_known {
            sleep(LINGER).await;
        }
        if self.is_known {
            self.withdraw().await;
            sleep(LINGER).await;
        }
        self.attempts.let_go();
    }

    async fn withdraw(&self) {
        match timeout(PATIENCE, self.storage.withdraw_address()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %Causes(&error), "could not tell other replicas that this one stops");
            }
            Err(_) => {
                tracing::warn!(
                    "could not tell other replicas that this one stops: storage does not answer"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
