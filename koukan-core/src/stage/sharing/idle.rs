//! A run that waits for its message.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    body::{Holdings, MessageToken},
    clock::Alarm,
};

use super::{
    demand::{Demand, Listener, Whose},
    group::Group,
};

/// How long a connection is kept for a message that does not come, where others wait for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Since when a run waits for its message, and who is in want of its connection.
pub(super) struct Idle {
    pub(super) run: usize,
    since: Instant,
    listener: Listener,
    /// Set where somebody waits only.
    alarm: Alarm,
}

impl Idle {
    pub(super) fn new(run: usize, demand: &Demand) -> Self {
        Self {
            run,
            since: Instant::now(),
            listener: demand.listener(),
            alarm: Alarm::default(),
        }
    }

    /// Ready when the connection is to be given back.
    pub(super) fn poll(&mut self, group: &Group, cx: &mut Context<'_>) -> Poll<()> {
        let token = group.key.token.as_ref();
        let own = token.map_or_else(Holdings::default, MessageToken::holdings);
        let destination = group.key.destination.as_deref();
        match self.listener.find(destination, &own, cx.waker()) {
            None => Poll::Pending,
            Some(Whose::Own) => Poll::Ready(()),
            Some(Whose::Others) => self.alarm.poll(cx, self.since + PATIENCE),
        }
    }
}
