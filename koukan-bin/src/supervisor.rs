//! The parts of an agent that run as long as it does.
//!
//! | part | when it is lost |
//! |---|---|
//! | listeners | each is started anew on its address |
//! | dispatcher | its attempts are given back, and it is started anew |
//! | webhooks | each goes on where it was |
//! | collector of garbage, question whether storage answers, upkeep of metrics | started anew |
//! | the database's writer | cannot be started anew: the agent ends |
//!
//! The agent is not ready while a part is gone. A part that is lost again and again ends the agent.
//! Whatever else runs in a task of its own is there for one connection, transaction, attempt or
//! write, and whoever waits for it hears of its end.

use std::borrow::Cow;

use koukan_core::supervision::{GivenUp, Loss, Restarts, supervise};
use koukan_rest::health::{Readiness, Trouble};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What may work while a part is in trouble, as health checks tell it.
pub(crate) mod works {
    /// Mail that need not be kept.
    pub(crate) const AT_ONCE: &str = "mail that its destination takes while the client waits";
    /// Mail that is kept.
    pub(crate) const KEPT: &str = "mail that is kept for later";
    /// The queue.
    pub(crate) const QUEUED: &str = "delivery of queued mail";
    /// What does not come by the listener in question.
    pub(crate) const ELSEWHERE: &str = "what comes by other listeners";
}

/// A part.
pub(crate) struct Part {
    name: Cow<'static, str>,
    /// What works while it is gone.
    works: &'static [&'static str],
    restarts: Restarts,
}

impl Part {
    /// A part that is started anew when it is lost.
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

/// Runs parts. Clones tell the same agent.
#[derive(Clone)]
pub(crate) struct Supervisor {
    readiness: Readiness,
    given_up: watch::Sender<Option<GivenUp>>,
}

impl Supervisor {
    /// A supervisor that tells `readiness` of what is gone.
    pub(crate) fn new(readiness: Readiness) -> Self {
        Self {
            readiness,
            given_up: watch::Sender::default(),
        }
    }

    /// The first part that is lost for good, once there is one.
    pub(crate) fn given_up(&self) -> watch::Receiver<Option<GivenUp>> {
        self.given_up.subscribe()
    }

    /// Runs a part until `stop`, at which it has to end by itself.
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
