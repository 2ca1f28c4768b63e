//! A webhook's task.

use std::time::Duration;

use koukan_core::{
    causes::Causes,
    clock::SharedClock,
    event::{Event, HookCalled, HookLost, Observers},
    random::SharedRandom,
    resource::{
        Caller, EventRequest, EventResponse, EventService, EventsRead, ReadEvents, RefusalKind,
    },
    storage::{Storage, record::EventKind},
};
use serde_json::json;
use tokio::time::sleep;
use tower::{BoxError, ServiceExt};

use crate::schema::events_to_json;

use super::{Poster, pauses::pause};

/// Events of one request, at most.
const EVENTS_MAX: usize = 100;
/// How long events are waited for, before it is noted how many were none of the hook's.
const WAIT: Duration = Duration::from_secs(60);
/// What the name of a hook's cursor begins with.
const CURSOR: &str = "webhook:";

/// Who is told of what.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name, by which its cursor is kept: of another name it begins anew.
    pub name: Box<str>,
    /// Where it is.
    pub poster: Poster,
    /// What it is told of; empty for everything.
    pub kinds: Vec<EventKind>,
    /// Of whose mail; empty for everybody's.
    pub senders: Vec<Box<str>>,
}

/// A webhook: tells an HTTP server of events.
///
/// One that is new is told of what happens from then on.
#[derive(Debug, Clone)]
pub struct Hook<E> {
    target: Target,
    events: E,
    storage: Storage,
    clock: SharedClock,
    random: SharedRandom,
    observers: Observers,
}

/// The cursor of a hook; `None` for the oldest event that is kept.
type Cursor = Option<Box<str>>;

impl<E: EventService> Hook<E> {
    /// Tells of the events that `events` reads out of that storage.
    pub fn new(target: Target, events: E, storage: Storage, random: SharedRandom) -> Self {
        let (clock, observers) = (storage.clock().clone(), storage.observers().clone());
        Self {
            target,
            events,
            storage,
            clock,
            random,
            observers,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Tells of events; for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropped and run anew, it tells of the last events again that were not known to be taken.
    pub async fn run(self) {
        let mut cursor = self.begin().await;
        loop {
            let page = self.page(&mut cursor).await;
            if !page.events.is_empty() {
                self.tell(&page).await;
            }
            if cursor.as_deref() != Some(&*page.next) {
                self.keep(&page.next).await;
                cursor = Some(page.next);
            }
        }
    }

    /// Where it was; where all is now, if it is new.
    async fn begin(&self) -> Cursor {
        let name = self.cursor_name();
        let found = self.insist("look where it was", || async {
            Ok(self.storage.backend().cursor(&name).await?)
        });
        if let Some(number) = found.await {
            return Some(number.to_string().into());
        }
        let latest = ReadEvents {
            cursor: Some("latest".into()),
            ..ReadEvents::default()
        };
        let page = self.insist("look where events are", || async {
            self.read(latest.clone())
                .await?
                .ok_or_else(|| "no place".into())
        });
        let next = page.await.next;
        self.keep(&next).await;
        Some(next)
    }

    /// The next events that it is told of, once there are some, or after a while none.
    async fn page(&self, cursor: &mut Cursor) -> EventsRead {
        loop {
            let wanted = ReadEvents {
                cursor: cursor.clone(),
                sender: None,
                kinds: self.target.kinds.clone(),
                limit: EVENTS_MAX,
                wait: WAIT,
            };
            let page = self.insist("read events", || self.read(wanted.clone()));
            match page.await {
                Some(page) => return page,
                None => {
                    let hook = HookLost::new(self.name());
                    self.observers.tell(&Event::HookLost(hook));
                    *cursor = None;
                }
            }
        }
    }

    /// Sends events until they are taken.
    async fn tell(&self, page: &EventsRead) {
        let (Some(first), Some(last)) = (page.events.first(), page.events.last()) else {
            return;
        };
        let id = format!("events_{}_{}", first.number, last.number);
        let content = json!({
            "type": "events",
            "timestamp": self.clock.now().to_string(),
            "data": events_to_json(page),
        });
        let content = bytes::Bytes::from(content.to_string());
        let mut failures = 0_u32;
        loop {
            let called = HookCalled::new(self.name(), page.events.len());
            match self.target.poster.post(&id, content.clone()).await {
                Ok(()) => {
                    // It is told how often it had failed before.
                    let called = called.after(failures);
                    self.observers.tell(&Event::HookCalled(called));
                    return;
                }
                Err(not_taken) => {
                    failures = failures.saturating_add(1);
                    let called = called.failed(&not_taken.what, failures);
                    self.observers.tell(&Event::HookCalled(called));
                    let pause = pause(failures, &self.random);
                    sleep(pause.max(not_taken.retry_after.unwrap_or_default())).await;
                }
            }
        }
    }

    async fn keep(&self, cursor: &str) {
        let (name, number) = (self.cursor_name(), cursor.parse().unwrap_or_default());
        let kept = self.insist("note where it is", || async {
            Ok(self.storage.backend().keep_cursor(&name, number).await?)
        });
        kept.await;
    }

    /// Events; `None` where those after the cursor are gone.
    async fn read(&self, read: ReadEvents) -> Result<Option<EventsRead>, BoxError> {
        let caller = match &self.target.senders[..] {
            [] => Caller::unrestricted(),
            senders => Caller::of_senders(senders.iter().cloned()),
        };
        let request = EventRequest { caller, read };
        match self
            .events
            .clone()
            .oneshot(request)
            .await
            .map_err(Into::into)?
        {
            EventResponse::Read(page) => Ok(Some(page)),
            EventResponse::Refused(refusal) if refusal.kind == RefusalKind::Gone => Ok(None),
            EventResponse::Refused(refusal) => Err(refusal.detail.to_string().into()),
        }
    }

    /// Asks storage until it answers.
    async fn insist<T, F: Future<Output = Result<T, BoxError>>>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> T {
        let mut failures = 0_u32;
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!(hook = self.name(), what, failures, error = %Causes(&*error), "a webhook cannot go on as long as storage fails");
                    sleep(pause(failures, &self.random)).await;
                }
            }
        }
    }

    fn cursor_name(&self) -> String {
        format!("{CURSOR}{}", self.name())
    }
}
