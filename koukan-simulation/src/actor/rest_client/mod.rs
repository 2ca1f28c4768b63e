//! A client that sends a message by REST.

mod follow;
mod send;
mod words;

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join5;
use koukan_core::resource::{
    Caller, Operation, RefusalKind, ResourceRequest, ResourceResponse, ResourceService,
};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::{
    plan::{RestPlan, Upload},
    world::World,
};

/// The sender that such clients send as.
pub(crate) const SENDER: &str = "app";

/// How often a request that failed is repeated.
const TRIES: usize = 3;

/// How long a client waits before it repeats a request.
const PAUSE: Duration = Duration::from_secs(60);

/// How much longer an answer may take than the client has asked for, where storage is healthy.
const PROMPT: Duration = Duration::from_secs(30);

/// A client with one message.
pub(crate) struct RestClient<H> {
    pub(crate) plan: RestPlan,
    pub(crate) world: Arc<World>,
    pub(crate) handler: H,
}

impl<H: ResourceService> RestClient<H> {
    pub(crate) async fn run(self) {
        let due = self.plan.send_at;
        self.world
            .account(&self.plan.letter, |account| account.not_before = due);
        match self.plan.vanishes {
            Some(after) => {
                if timeout(after, self.work()).await.is_err() {
                    self.tell(|| "is gone".into());
                }
            }
            None => self.work().await,
        }
    }

    /// Continues after a restart of the agent, if its message was not promised yet.
    pub(crate) async fn come_again(self) {
        let is_done = self.world.account(&self.plan.letter, |account| {
            !account.promised.is_empty() || account.is_withdrawn
        });
        if self.plan.vanishes.is_none() && self.plan.upload != Upload::Broken && !is_done {
            sleep(PAUSE).await;
            self.work().await;
        }
    }

    async fn work(&self) {
        let Some(created) = self.create().await else {
            return;
        };
        let later = async |after: Option<Duration>| match after {
            Some(after) => {
                sleep(after).await;
                true
            }
            None => false,
        };
        let cancel = async {
            if later(self.plan.cancelled).await {
                self.cancel(&created).await;
            }
        };
        let repeat = async {
            if later(self.plan.repeated).await {
                self.repeat(&created).await;
            }
        };
        let watch = async {
            if let Some(wait) = self.plan.watched {
                self.watch(&created, wait).await;
            }
        };
        let list = async {
            if self.plan.lists {
                self.list(&created).await;
            }
        };
        join5(self.upload(&created), cancel, repeat, watch, list).await;
    }

    /// The whole message is promised from now on.
    fn promised(&self) {
        let now = self.world.elapsed();
        self.world.account(&self.plan.letter, |account| {
            if account.is_withdrawn {
                return;
            }
            for to in account.letter.to.clone() {
                account.promised.entry(to).or_insert(now);
            }
        });
    }

    /// Repeats a request until it is answered, as a client does.
    async fn ask_again(
        &self,
        wait: Option<Duration>,
        operation: impl Fn() -> Operation,
    ) -> Option<ResourceResponse> {
        for _ in 0..TRIES {
            match self.ask(wait, operation()).await {
                Some(ResourceResponse::Refused(refusal)) if is_passing(&refusal.kind) => {}
                Some(answer) => return Some(answer),
                None => {}
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// Sends one request. The answer may take `wait` and a little more.
    fn ask(
        &self,
        wait: Option<Duration>,
        operation: Operation,
    ) -> impl Future<Output = Option<ResourceResponse>> + '_ {
        self.tell(|| words::asked(&operation));
        let request = ResourceRequest {
            caller: Caller::trusted(),
            operation,
        };
        let answer = self.handler.clone().oneshot(request);
        async move {
            let asked = self.world.elapsed();
            let answer = answer.await.ok();
            self.tell(|| words::heard(answer.as_ref()));
            let took = self.world.elapsed().saturating_sub(asked);
            if took > wait.unwrap_or_default() + PROMPT && self.is_storage_well() {
                let number = self.plan.letter.number;
                self.world.violation(format!(
                    "the application of {number} waits {took:?} for an answer"
                ));
            }
            answer
        }
    }

    fn is_storage_well(&self) -> bool {
        self.world.plan.is_durable()
    }

    fn violation(&self, what: &str) {
        let number = self.plan.letter.number;
        self.world
            .violation(format!("the application of {number} {what}"));
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        let who = || format!("application of {}", self.plan.letter.number);
        self.world.tell_by(who, what);
    }
}

/// Whether repeating the request may help.
fn is_passing(kind: &RefusalKind) -> bool {
    use RefusalKind::{Internal, TooMany, Unavailable};

    matches!(kind, TooMany { .. } | Unavailable { .. } | Internal)
}
