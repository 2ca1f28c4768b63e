//! Queued mail whose chain ends in an Exploder: one attempt, whose legs are attempts as well.

mod cancel;
mod custody;
mod kept;
mod stop;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    context::Sender,
    filter::{
        Replaceable,
        router::{AddressList, Aliases, Decision, Expand, RouterLayer, Rules},
    },
    reply::Reply,
    service::BoxMailService,
    stage::{
        exploder::ReplyPolicy,
        hand_over::HandOverLayer,
        output_handler::{Chain, ChainMap, Notifications, OutputHandler},
    },
    storage::{
        Drain,
        record::{FinalReason, Recipient, Status, TransactionId},
    },
    test_util::Script,
    transaction::{Rcpt, Transaction},
};
use tokio::{sync::Notify, task::JoinHandle, time::sleep};
use tower::{BoxError, Layer, service_fn};

use crate::{
    agent::{Agent, Dispatching, RETRY},
    queued::{Log, queued},
};

const AT_ONCE: Duration = Duration::from_millis(100);

/// A destination whose name for the first recipient of a transaction says what it does.
///
/// | recipient | what it does |
/// |---|---|
/// | `mute` | does not answer RCPT |
/// | `busy` | refuses RCPT for now |
/// | `hung` | reads the message, and has not received its end |
/// | `slow` | the same for 15 s, and then accepts it |
/// | `sent` | has the message, and answers when it is told to |
/// | `refused` | refuses the message for now |
/// | others | accepts the message |
#[derive(Clone, Default)]
struct Destination {
    begun: Log,
    /// Who may have the message.
    gone: Log,
    calls: Arc<AtomicUsize>,
    answers: Arc<Notify>,
}

/// Counts the calls that go on.
struct Call(Arc<AtomicUsize>);

impl Call {
    fn begin(calls: &Arc<AtomicUsize>) -> Self {
        calls.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(calls))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Destination {
    fn service(&self) -> BoxMailService {
        let this = self.clone();
        BoxMailService::new(service_fn(move |tx| this.clone().deliver(tx)))
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    async fn deliver(self, tx: Transaction) -> Result<Reply, BoxError> {
        let _call = Call::begin(&self.calls);
        let departure = tx.signals.departure().cloned().unwrap();
        let _holding = departure.hold();
        let (mut recipients, mut to) = (tx.recipients, Vec::new());
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = recipients.next().await? {
            let name = rcpt.forward_path().to_string();
            self.begun.add(name.clone());
            if name.starts_with("mute") {
                pending::<()>().await;
            }
            if name.starts_with("busy") {
                rcpt.answer(Reply::mailbox_busy());
                continue;
            }
            rcpt.answer(Reply::recipient_ok());
            to.push(name);
        }
        let Some(first) = to.first().cloned() else {
            return Ok(Reply::mailbox_busy());
        };
        let does = |what| first.starts_with(what);
        tx.body.collect(1 << 20).await?;
        if does("hung") {
            pending::<()>().await;
        }
        if does("slow") {
            sleep(Duration::from_secs(15)).await;
        }
        if !departure.may_go() {
            pending::<()>().await;
        }
        to.into_iter().for_each(|to| self.gone.add(to));
        if does("sent") {
            self.answers.notified().await;
        }
        Ok(match does("refused") {
            true => Reply::mailbox_busy(),
            false => Reply::message_accepted(),
        })
    }
}

/// An agent that attempts a queued transaction through an Exploder.
struct Divided {
    agent: Agent,
    id: TransactionId,
    dispatching: Dispatching,
}

impl Divided {
    async fn begin(agent: Agent, policy: ReplyPolicy, to: &[&str]) -> Self {
        let exploder = BoxMailService::new(agent.exploder(policy));
        Self::through(agent, exploder, to).await
    }

    /// Queues a message for these recipients, and attempts it through the chain.
    async fn through(agent: Agent, chain: BoxMailService, to: &[&str]) -> Self {
        let output = OutputHandler::new(attempted(chain), notifications());
        let mut new = queued(to[0], agent.clock.now());
        new.recipients = to.iter().map(|to| recipient(to)).collect();
        let id = new.id;
        agent.storage.backend().insert(new).await.unwrap();
        let dispatching = agent.dispatch_to(output);
        sleep(Duration::from_secs(1)).await;
        Self {
            agent,
            id,
            dispatching,
        }
    }

    /// Tells the agent to stop. What it returns ends when no attempt goes on any more.
    fn stop(self) -> (Agent, TransactionId, JoinHandle<()>) {
        self.agent.storage.drain(Drain::Committed);
        let storage = self.agent.storage.clone();
        let stopped = tokio::spawn(async move {
            self.dispatching.stop().await;
            storage.given_back().await;
        });
        (self.agent, self.id, stopped)
    }
}

fn attempted(service: BoxMailService) -> Chain {
    Chain {
        service,
        retry: *RETRY,
    }
}

fn notifications() -> Notifications {
    Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    }
}

fn recipient(to: &str) -> Recipient {
    Recipient {
        rcpt: Rcpt::new(to.parse::<koukan_core::path::ForwardPath>().unwrap()),
        settled: None,
    }
}

/// What another agent can lease now: transactions, with the recipients that are left, and the attempts so far.
async fn due(agent: &Agent) -> Vec<(TransactionId, Vec<String>, u32)> {
    agent.storage.drain(Drain::No);
    let leases = agent.storage.lease_due(10, &[]).await.unwrap();
    let due = leases.iter().map(|lease| {
        let recipients = lease.recipients();
        let left = recipients.iter().filter(|of| of.settled.is_none());
        let left = left.map(|of| of.rcpt.forward_path.to_string()).collect();
        (lease.id(), left, lease.attempt_count())
    });
    due.collect()
}

async fn end(agent: &Agent, id: TransactionId) -> Option<FinalReason> {
    let found = agent.storage.backend().find(id).await.unwrap().unwrap();
    match found.status {
        Status::Final(reason) => Some(reason),
        Status::Due(_) => None,
    }
}

/// What chains there are above the Exploder.
#[derive(Debug, Clone, Copy)]
enum Above {
    Nothing,
    /// A router hands the message over to the chain with the Exploder.
    HandOver,
    /// The recipient stands for those.
    Alias,
}

impl Above {
    fn chain(self, agent: &Agent, policy: ReplyPolicy, to: &[&str]) -> BoxMailService {
        let exploder = BoxMailService::new(agent.exploder(policy));
        match self {
            Self::Nothing => exploder,
            Self::HandOver => {
                let next = Sender::new("next");
                let ours = AddressList::new(["y"], Decision::HandOver(next.clone()));
                let chains = ChainMap::new().with(next, attempted(exploder));
                let hands_over = HandOverLayer::new(chains).layer(Script::new());
                BoxMailService::new(RouterLayer::new(ours).layer(hands_over))
            }
            Self::Alias => {
                let aliases: Aliases = format!("all@y: {}\n", to.join(", ")).parse().unwrap();
                let rules = Rules::new()
                    .with(Expand::new(Replaceable::new(aliases)))
                    .with(AddressList::new(["y"], Decision::Accept));
                BoxMailService::new(RouterLayer::new(rules).layer(exploder))
            }
        }
    }
}
