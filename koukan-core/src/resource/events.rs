//! Requests for stored events, and their answers.
//!
//! An [`EventService`] answers an [`EventRequest`]; the stage
//! [`EventReader`](crate::stage::event_reader::EventReader) is one.

use std::time::Duration;

use tower::{BoxError, Service};

use crate::storage::record::{EventKind, KeptEvent};

use super::{Caller, Refusal};

/// A request for events.
#[derive(Debug, Clone)]
pub struct EventRequest {
    /// The caller, who sees the events of its own senders.
    pub caller: Caller,
    /// Which events are requested.
    pub read: ReadEvents,
}

/// Which events are requested, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadEvents {
    /// Only events after this position; `None` for all that are kept.
    pub cursor: Option<Box<str>>,
    /// Only those of the sender of this name.
    pub sender: Option<Box<str>>,
    /// Only those of these kinds; empty for any.
    pub kinds: Vec<EventKind>,
    /// How many at most; 0 for the default.
    pub limit: usize,
    /// How long to wait for an event if there is none.
    pub wait: Duration,
}

/// The answer to an [`EventRequest`].
#[derive(Debug)]
pub enum EventResponse {
    /// Some events.
    Read(EventsRead),
    /// The request is refused.
    Refused(Refusal),
}

/// Some events, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsRead {
    /// The events.
    pub events: Vec<KeptEvent>,
    /// The cursor for reading the events that follow.
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
