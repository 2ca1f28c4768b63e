//! The service.

use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::{BoxError, Service};

use crate::{
    resource::{Caller, EventRequest, EventResponse, EventsRead, ReadEvents, Refusal, RefusalKind},
    storage::{EventQuery, Storage},
};

/// The default and the largest number of events on a page.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

/// The cursor after all current events.
const LATEST: &str = "latest";

/// Answers requests for events from a [`Storage`].
///
/// An [`EventService`](crate::resource::EventService); clones share the storage.
#[derive(Debug, Clone)]
pub struct EventReader {
    storage: Storage,
}

impl EventReader {
    /// A reader over this storage.
    pub fn new(storage: Storage) -> Self {
        Self { storage }
    }

    async fn read(self, caller: Caller, read: ReadEvents) -> Result<EventsRead, Refusal> {
        let backend = self.storage.backend();
        if !backend.keeps_events() {
            let detail = "no events are kept here: the configuration has no `storage.events`";
            return Err(Refusal::not_found(detail));
        }
        let until = Instant::now() + read.wait;
        let mut written = backend.events_written();
        let mut query = query(&caller, &read)?;
        if read.cursor.as_deref() == Some(LATEST) {
            let nothing = EventQuery {
                limit: 0,
                ..EventQuery::default()
            };
            query.after = Some(backend.events(nothing).await?.last);
        }
        loop {
            if let Some(written) = &mut written {
                // Later events are looked at in any case.
                written.mark_unchanged();
            }
            let page = backend.events(query.clone()).await?;
            if query.after.is_some_and(|after| page.is_gone(after)) {
                let detail = "events after that place are no longer kept: begin without a cursor, and \
                              read the transactions themselves for what was missed";
                return Err(Refusal::new(RefusalKind::Gone, detail).at("cursor"));
            }
            if !page.events.is_empty() || (page.seen >= page.last && Instant::now() >= until) {
                return Ok(EventsRead {
                    events: page.events,
                    next: page.seen.to_string().into(),
                });
            }
            query.after = Some(page.seen);
            if page.seen < page.last {
                continue;
            }
            match &mut written {
                Some(told) => {
                    if let Ok(Err(_)) = timeout_at(until, told.changed()).await {
                        // Nobody tells any more.
                        written = None;
                    }
                }
                None => sleep_until(until).await,
            }
        }
    }
}

/// What is read for a caller.
fn query(caller: &Caller, read: &ReadEvents) -> Result<EventQuery, Refusal> {
    let after = match read.cursor.as_deref() {
        None | Some(LATEST) => None,
        Some(text) => {
            let number = text
                .parse()
                .ok()
                .filter(|number| i64::try_from(*number).is_ok());
            let wrong = || Refusal::malformed("not the cursor of a page before, nor `latest`");
            Some(number.ok_or_else(|| wrong().at("cursor"))?)
        }
    };
    let senders = match &read.sender {
        Some(sender) if !caller.may_act_for(sender) => {
            let detail = "the token is not for that sender";
            return Err(Refusal::new(RefusalKind::Forbidden, detail).at("sender"));
        }
        Some(sender) => Some(vec![sender.clone()]),
        None => caller.senders().map(<[_]>::to_vec),
    };
    Ok(EventQuery {
        after,
        senders,
        kinds: read.kinds.clone(),
        limit: match read.limit {
            0 => LIMIT,
            limit => limit.min(LIMIT_MAX),
        },
    })
}

impl Service<EventRequest> for EventReader {
    type Response = EventResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<EventResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: EventRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let read = this.read(request.caller, request.read).await;
            Ok(read.map_or_else(Into::into, EventResponse::Read))
        })
    }
}
