//! What is asked of the events that storage keeps, and what is answered.
//!
//! Whoever answers an [`EventRequest`] is an [`EventService`]: the stage
//! [`EventReader`](crate::stage::event_reader::EventReader).

use std::time::Duration;

use tower::{BoxError, Service};

use crate::storage::record::{EventKind, KeptEvent};

use super::{Caller, Refusal};

/// A request for events.
#[derive(Debug, Clone)]
pub struct EventRequest {
    /// Who asks: it sees those of the senders that it may act for.
    pub caller: Caller,
    /// Which are wanted.
    pub read: ReadEvents,
}

/// Which events are wanted, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadEvents {
    /// Those after this place; `None` for all that are kept.
    pub cursor: Option<Box<str>>,
    /// Only those of the sender of this name.
    pub sender: Option<Box<str>>,
    /// Only those of these kinds; empty for any.
    pub kinds: Vec<EventKind>,
    /// How many at most; 0 for as many as is usual.
    pub limit: usize,
    /// How long to wait for one where there is none.
    pub wait: Duration,
}

/// The answer to an [`EventRequest`].
#[derive(Debug)]
pub enum EventResponse {
    /// Some events.
    Read(EventsRead),
    /// The request is not granted.
    Refused(Refusal),
}

/// Some events, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsRead {
    /// The events.
    pub events: Vec<KeptEvent>,
    /// The cursor by which those that come after them are read.
    pub next: Box<str>,
}

impl From<Refusal> for EventResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A tower service that answers requests for events.
///
/// A blanket alias, as [`QueueService`](super::QueueService) is.
pub trait EventService:
    Service<EventRequest, Response = EventResponse, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> EventService for S where
    S: Service<EventRequest, Response = EventResponse, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
