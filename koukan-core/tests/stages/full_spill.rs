//! A disk without room for message bodies: all clients get the same reply, and nothing is promised.

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use koukan_core::{
    blob::{Backing, BlobPool, Limits, Spill, SpillFile},
    body::Body,
    reply::{Rejection, Reply},
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{Census, MemoryBackend},
    test_util::{Answer, End, Received, Script, mail, rcpt, send},
    transaction::Transaction,
};
use tower::{ServiceExt, service_fn};

use crate::agent::Agent;

/// Either makes files that have no room, or makes none.
struct FullDisk {
    has_files: bool,
}

struct FullFile;

#[async_trait]
impl Spill for FullDisk {
    async fn create(&self) -> io::Result<Arc<dyn SpillFile>> {
        if self.has_files {
            Ok(Arc::new(FullFile))
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
}

#[async_trait]
impl Backing for FullFile {
    async fn read(&self, _: u64) -> io::Result<Bytes> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[async_trait]
impl SpillFile for FullFile {
    async fn write(&self, _: u64, _: Vec<Bytes>) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

/// Gives `inner` the message as a stream, as from a socket.
fn streamed(inner: impl MailService) -> impl MailService {
    service_fn(move |mut transaction: Transaction| {
        let body = std::mem::replace(&mut transaction.body, Body::empty());
        transaction.body = body.map(Ok::<_, Rejection>);
        inner.clone().oneshot(transaction)
    })
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_what_does_not_fit_gets_452() {
    let limits = Limits::default().with_window(100).with_spill_above(0);
    let message = format!("Subject: hi\r\n\r\n{}", "hello\r\n".repeat(100));
    let up = Script::new;
    let down = || Script::new().mail(Answer::Return(Reply::connection_failed()));
    let busy = || Script::new().other_rcpts(Reply::mailbox_busy());
    for policy in [ReplyPolicy::Submission, ReplyPolicy::Ingress] {
        for recipients in [1, 3] {
            for has_files in [false, true] {
                for (name, upstream) in [("up", up()), ("down", down()), ("busy", busy())] {
                    let pool = BlobPool::new(limits, Arc::new(FullDisk { has_files }));
                    let agent = Agent::with(MemoryBackend::new(), pool, upstream.clone()).await;
                    let to = (0..recipients).map(|number| rcpt(&format!("r{number}@y")));
                    let front = streamed(agent.exploder(policy));
                    let outcome = send(front, mail("a@x"), to, message.clone()).await;
                    let case = format!("{policy:?}, {recipients}, {has_files}, {name}");
                    if let Some(reply) = outcome.message {
                        assert_eq!(reply, Reply::insufficient_storage(), "{case}");
                    } else {
                        // Ingress passes on upstream's reply for each recipient.
                        assert_eq!(policy, ReplyPolicy::Ingress, "{case}");
                        assert_ne!(name, "up", "{case}");
                    }
                    assert_eq!(agent.census().await, Census::default(), "{case}");
                    let is_taken = |got: Received| matches!(got.end, End::Replied(reply) if reply.is_positive());
                    assert!(!upstream.received().into_iter().any(is_taken), "{case}");
                }
            }
        }
    }
}
