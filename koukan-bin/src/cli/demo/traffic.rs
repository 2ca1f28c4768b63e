//! The clients.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use koukan_core::{
    context::{Context, Sender},
    path::InvalidMailbox,
    signals::{HostPort, InvalidHostPort},
    transaction::Driver,
};
use koukan_smtp::{SmtpEndpoint, client::ClientSettings};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::{account::Account, letter::Letter};

/// The clients could not do their work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("an address of the demo is malformed")]
    Address(#[from] InvalidMailbox),
    #[error("the agent's address is malformed")]
    Agent(#[from] InvalidHostPort),
    #[error("a client broke off")]
    Client(#[from] JoinError),
}

/// Sends letters in several sessions; ends when all are sent.
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
    let (mut driver, _mail) = Driver::start(endpoint.clone(), context, letter.mail()?);
    let mut pending = Vec::new();
    for recipient in letter.recipients() {
        let reply = driver.rcpt(Letter::rcpt(&recipient)?).await;
        pending.push((recipient, reply));
    }
    let mut accepted = Vec::new();
    for (recipient, reply) in pending {
        if driver.wait(reply).await.is_positive() {
            accepted.push(recipient);
        } else {
            account.refused(&recipient);
        }
    }
    if accepted.is_empty() {
        return Ok(());
    }
    // What the call does not want any more, its final reply explains.
    let _ = driver.send(letter.message().into()).await;
    let is_taken = driver.finish().await.is_positive();
    for recipient in accepted {
        if is_taken {
            account.accepted(&recipient);
        } else {
            account.refused(&recipient);
        }
    }
    Ok(())
}
