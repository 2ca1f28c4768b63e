//! The long-running parts of an agent.
//!
//! | part | when it fails |
//! |---|---|
//! | listeners | each is restarted on its address |
//! | dispatcher | its attempts are given back, and it is restarted |
//! | webhooks | each is restarted, and goes on from its stored cursor |
//! | collector of garbage, probe of storage, upkeep of metrics | restarted |
//! | the database's writer | cannot be restarted: the agent ends |
//!
//! The agent is not ready while a part is missing. A part that fails repeatedly ends the agent.
//! Every other task is for one connection, transaction, attempt or write, and whoever waits for it
//! is told when it ends.

use std::borrow::Cow;

use koukan_core::supervision::{GivenUp, Loss, Restarts, supervise};
use koukan_rest::health::{Readiness, Trouble};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What may still work while a part is in trouble, as reported by health checks.
pub(crate) mod works {
    /// Mail that need not be kept.
    pub(crate) const AT_ONCE: &str = "mail that its destination takes while the client waits";
    /// Mail that is kept.
    pub(crate) const KEPT: &str = "mail that is kept for later";
    /// Delivery of queued mail.
    pub(crate) const QUEUED: &str = "delivery of queued mail";
    /// What arrives through other listeners.
    pub(crate) const ELSEWHERE: &str = "what comes by other listeners";
}

/// A part.
pub(crate) struct Part {
    name: Cow<'static, str>,
    /// What works while it is missing.
    works: &'static [&'static str],
    restarts: Restarts,
}

impl Part {
    /// A part that is restarted when it fails.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, works: &'static [&'static str]) -> Self {
        Self {
            name: name.into(),
            works,
            restarts: Restarts::default(),
        }
    }

    /// A part without which the agent cannot go on.
    pub(crate) fn essential(name: &'static str, works: &'static [&'static str]) -> Self {
        Self {
            restarts: Restarts::NEVER,
            ..Self::new(name, works)
        }
    }
}

/// Runs parts. Clones belong to the same agent.
#[derive(Clone)]
pub(crate) struct Supervisor {
    readiness: Readiness,
    given_up: watch::Sender<Option<GivenUp>>,
}

impl Supervisor {
    /// A supervisor that reports missing parts to `readiness`.
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            given_up: watch::Sender::default(),
        }
    }

    /// Receives the first part that cannot be restarted, once there is one.
    pub(crate) fn given_up(&self) -> watch::Receiver<Option<GivenUp>> {
        self.given_up.subscribe()
    }

    /// Runs a part until `stop`, when it has to end by itself.
    pub(crate) async fn run<F: Future<Output = ()>>(
        self,
        part: Part,
        stop: CancellationToken,
        start: impl FnMut() -> F,
    ) {
        let notice = |loss: Option<&Loss>| {
            let trouble = loss.map(|_| Trouble {
                what: "is gone",
                works: part.works,
                is_ready: false,
            });
            self.readiness.set_trouble(part.name.clone(), trouble);
        };
        let stopped = stop.cancelled();
        if let Err(given_up) = supervise(&part.name, part.restarts, stopped, notice, start).await {
            self.given_up.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(given_up);
                is_first
            });
        }
    }
}
