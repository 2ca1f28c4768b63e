//! The clients.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use koukan_core::{
    blob::Blob,
    context::{Context, Sender},
    middleware::{Deliver, DeliverRequest},
    path::InvalidMailbox,
    signals::{HostPort, InvalidHostPort},
};
use koukan_smtp::{SmtpEndpoint, client::ClientSettings};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tower::ServiceExt;

use super::{account::Account, letter::Letter};

/// Why the clients failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("an address of the demo is malformed")]
    Address(#[from] InvalidMailbox),
    #[error("the agent's address is malformed")]
    Agent(#[from] InvalidHostPort),
    #[error("a client ended with an error")]
    Client(#[from] JoinError),
}

/// Sends letters in several sessions; ready when all were sent.
pub(super) fn send(
    agent: SocketAddr,
    letters: u32,
    sessions: u32,
    account: Arc<Account>,
) -> Result<JoinHandle<Result<(), Failed>>, Failed> {
    let host: HostPort = agent.to_string().parse()?;
    let endpoint = SmtpEndpoint::new(ClientSettings::new("client.example")?.with_hosts([host]));
    let next = Arc::new(AtomicU32::new(0));
    Ok(tokio::spawn(async move {
        let mut clients = JoinSet::new();
        for _ in 0..sessions.max(1) {
            let (endpoint, next) = (endpoint.clone(), Arc::clone(&next));
            let account = Arc::clone(&account);
            clients.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= letters {
                        return Ok::<_, Failed>(());
                    }
                    send_one(&endpoint, Letter(number), &account).await?;
                    account.letter_sent();
                }
            });
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        endpoint.close().await;
        Ok(())
    }))
}

async fn send_one(
    endpoint: &SmtpEndpoint,
    letter: Letter,
    account: &Account,
) -> Result<(), Failed> {
    let context = Arc::new(Context::new(Sender::new("demo")));
    let message = Blob::from_bytes(letter.message().into());
    let mut request = DeliverRequest::new(context, letter.mail()?, message);
    let recipients = letter.recipients();
    for recipient in &recipients {
        request = request.to(Letter::rcpt(recipient)?);
    }
    let Ok(outcome) = Deliver::new(endpoint.clone()).oneshot(request).await;
    for (index, recipient) in recipients.iter().enumerate() {
        if outcome.verdict(index).is_positive() {
            account.accepted(recipient);
        } else {
            account.refused(recipient);
        }
    }
    Ok(())
}
