//! One transaction upstream.
//!
//! It connects two sides: what the originator gives, and what upstream answers. [`Session::run`]
//! repeats three steps: see whether the transaction has ended, begin every request that can be made
//! now, wait for the next [`Event`](event::Event). At most three requests are under way at once,
//! and none waits for another: one adds recipients, one sends the message, one watches.

mod begin;
mod event;
mod judge;
mod upstream;

use futures_core::future::BoxFuture;
use tokio::time::Instant;
use tower::BoxError;

use crate::{
    clock::Alarm,
    reply::Reply,
    resource::{Created, ResourceService},
};

use super::{
    delivery::Delivery,
    message::{Progress, SendError},
    request::{Current, Failure, Step},
};

use self::{event::Event, upstream::Upstream};

/// How a transaction upstream ended.
pub(super) enum Ended {
    /// With this reply.
    Replied(Reply),
    /// With this reply, and upstream has said nothing that rules out trying another host.
    Unheard(Reply),
}

/// A transaction upstream.
pub(super) struct Session<'a, R: ResourceService> {
    delivery: &'a mut Delivery<R>,
    upstream: Upstream<R>,
    /// When the create began.
    begun: Instant,
    /// How many recipients upstream was told of.
    told: usize,
    message: Stage,
    appending: Option<Appending>,
    watching: Option<Request>,
    /// When upstream was last told something.
    refreshed: Instant,
    overdue: Alarm,
    heartbeat: Alarm,
    watch: Alarm,
}

/// A request that returns the transaction as it is then.
type Request = BoxFuture<'static, Result<Current, Failure>>;

struct Appending {
    request: Request,
    is_heartbeat: bool,
}

/// How far the message has come.
enum Stage {
    /// It is not time to send it.
    Held,
    /// Its content is known.
    Ready,
    /// It is on its way.
    Sending(Sending),
    /// Upstream has it, since then.
    Sent(Instant),
}

struct Sending {
    request: BoxFuture<'static, Result<Option<Current>, SendError>>,
    progress: Progress,
}

impl Ended {
    /// With a reply before which upstream said nothing: if it is transient, another host may still
    /// be tried.
    pub(super) fn unheard(reply: Reply) -> Self {
        if reply.is_transient() {
            Self::Unheard(reply)
        } else {
            Self::Replied(reply)
        }
    }

    pub(super) fn into_reply(self) -> Reply {
        match self {
            Self::Replied(reply) | Self::Unheard(reply) => reply,
        }
    }
}

impl<'a, R: ResourceService> Session<'a, R> {
    /// A transaction that was just created with all recipients known so far.
    pub(super) fn new(delivery: &'a mut Delivery<R>, created: Created, begun: Instant) -> Self {
        let now = Instant::now();
        let has_body = delivery.intake.has_body();
        Self {
            upstream: Upstream::new(delivery.resource.clone(), created),
            begun,
            told: delivery.intake.replies.recipients(),
            message: if has_body {
                Stage::Held
            } else {
                Stage::Sent(now)
            },
            delivery,
            appending: None,
            watching: None,
            refreshed: now,
            overdue: Alarm::default(),
            heartbeat: Alarm::default(),
            watch: Alarm::default(),
        }
    }

    /// Carries the transaction through to its end.
    pub(super) async fn run(mut self) -> Result<Ended, BoxError> {
        loop {
            if let Some(ended) = self.judge() {
                return Ok(ended);
            }
            self.begin();
            match std::future::poll_fn(|cx| self.poll_event(cx)).await? {
                Event::Given => {}
                Event::Told(Ok(now)) | Event::Refreshed(Ok(now)) => self.upstream.take(now),
                Event::Refreshed(Err(failure)) => {
                    // The next request will show it.
                    tracing::debug!(error = %failure, "could not refresh");
                }
                Event::Sent(Ok(now)) => {
                    self.message = Stage::Sent(Instant::now());
                    now.into_iter().for_each(|now| self.upstream.take(now));
                }
                Event::Told(Err(failure)) | Event::Sent(Err(SendError::Failure(failure))) => {
                    return Ok(Ended::Replied(failure.reply(Step::Later)));
                }
                Event::Sent(Err(SendError::Body(error))) => return Err(error.into()),
                Event::Overdue => return Ok(self.end(Reply::elapsed())),
            }
        }
    }

    /// Ends with a reply to MAIL, or without one.
    fn end(&self, reply: Reply) -> Ended {
        let is_answered =
            self.upstream.is_mail_accepted() || self.delivery.intake.replies.is_any_accepted();
        if is_answered || matches!(self.message, Stage::Sending(_)) {
            Ended::Replied(reply)
        } else {
            Ended::unheard(reply)
        }
    }
}
