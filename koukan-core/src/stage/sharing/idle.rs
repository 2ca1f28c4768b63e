//! A run that waits for its message.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::futures::OwnedNotified, time::Instant};

use crate::{
    body::{Holdings, MessageToken},
    clock::Alarm,
};

use super::{
    demand::{Demand, Whose},
    group::Group,
};

/// How long a connection is kept for a message that does not come, where others wait for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Since when a run waits for its message, and who is in want of its connection.
pub(super) struct Idle {
    pub(super) run: usize,
    since: Instant,
    begun: Pin<Box<OwnedNotified>>,
    /// Set where somebody waits only.
    alarm: Alarm,
}

impl Idle {
    pub(super) fn new(run: usize, demand: &Demand) -> Self {
        Self {
            run,
            since: Instant::now(),
            begun: Box::pin(demand.begun()),
            alarm: Alarm::default(),
        }
    }

    /// Ready when the connection is to be given back.
    pub(super) fn poll(
        &mut self,
        group: &Group,
        demand: &Demand,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        // Heard first: whoever begins to wait after the look wakes this.
        while self.begun.as_mut().poll(cx).is_ready() {
            self.begun.set(demand.begun());
        }
        let token = group.key.token.as_ref();
        let own = token.map_or_else(Holdings::default, MessageToken::holdings);
        match demand.find(group.key.destination.as_deref(), &own) {
            None => Poll::Pending,
            Some(Whose::Own) => Poll::Ready(()),
            Some(Whose::Others) => self.alarm.poll(cx, self.since + PATIENCE),
        }
    }
}
