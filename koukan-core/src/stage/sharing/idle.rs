//! Runs that wait for their message.

use std::{
    task::{Context, Poll, ready},
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

/// How long a connection is kept for a message that does not come, while others wait for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same, while a client waits that has less than its share of connections, and the holder's client has
/// more.
const PATIENCE_ABOVE_SHARE: Duration = Duration::from_millis(500);

/// How long a run has waited for its message, and who wants its connection.
pub(super) struct Idle {
    pub(super) run: usize,
    since: Instant,
    listener: Listener,
    /// Set only while somebody waits.
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

    /// Ready when the connection must be given back.
    pub(super) fn poll(&mut self, group: &Group, cx: &mut Context<'_>) -> Poll<()> {
        let token = group.key.token.as_ref();
        let own = token.map_or_else(Holdings::default, MessageToken::holdings);
        let destination = group.key.destination.as_deref();
        let context = &group.key.context;
        match self.listener.find(destination, (&own, context), cx.waker()) {
            None => return Poll::Pending,
            Some(Whose::Own) => return Poll::Ready(()),
            Some(Whose::Owed) => {
                ready!(self.alarm.poll(cx, self.since + PATIENCE_ABOVE_SHARE));
                if self.listener.meet(destination, &context.client()) {
                    return Poll::Ready(());
                }
            }
            Some(Whose::Others) => {}
        }
        self.alarm.poll(cx, self.since + PATIENCE)
    }
}
