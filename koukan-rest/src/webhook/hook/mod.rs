//! The task of a webhook.

mod giving_up;
mod sifting;

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use koukan_core::{
    causes::Causes,
    clock::SharedClock,
    event::{Event, HookCalled, HookLeft, HookLost, HookResumed, Observers},
    random::SharedRandom,
    resource::{
        Caller, EventRequest, EventResponse, EventService, EventsRead, HookAction, HookBoard,
        HookPlace, HookState, ReadEvents, RefusalKind, hook_reader,
    },
    storage::{
        BackendError, Storage,
        record::{EventKind, SessionId},
    },
};
use serde_json::json;
use tokio::time::sleep;
use tower::{BoxError, ServiceExt};

use crate::schema::events_to_json;

use super::{Poster, holding::Holding, pauses::pause, standing::Standing};

/// The most events in one request.
const EVENTS_MAX: usize = 100;
/// How long to wait for events. After that the cursor is stored, even if no event was for this webhook.
const WAIT: Duration = Duration::from_secs(60);
/// The prefix of the name of a webhook's cursor.
const CURSOR: &str = "webhook:";

/// A server to be told of events, and of which events.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name of the webhook. Its cursor is stored under the name: under another name the webhook starts anew.
    pub name: Box<str>,
    /// Sends the requests.
    pub poster: Poster,
    /// The types of events to send; empty for all.
    pub kinds: Vec<EventKind>,
    /// The senders whose events to send; empty for all.
    pub senders: Vec<Box<str>>,
    /// How long the webhook may accept nothing before it is given up.
    pub give_up_after: Duration,
}

/// A webhook: tells an HTTP server of events.
///
/// A new webhook is told of what happens from its start on.
#[derive(Debug, Clone)]
pub struct Hook<E> {
    target: Target,
    events: E,
    storage: Storage,
    clock: SharedClock,
    random: SharedRandom,
    observers: Observers,
    place: HookPlace,
}

/// The cursor of a webhook; `None` for the oldest event that is kept.
type Cursor = Option<Box<str>>;

/// The cursor after which the event with that number is the next.
fn before(number: u64) -> Box<str> {
    number.saturating_sub(1).to_string().into()
}

impl<E: EventService> Hook<E> {
    /// Makes a webhook that reads events from `events`, which reads that storage.
    pub fn new(target: Target, events: E, storage: Storage, random: SharedRandom) -> Self {
        let (clock, observers) = (storage.clock().clone(), storage.observers().clone());
        let place = HookBoard::default().add(&target.name);
        Self {
            place,
            target,
            events,
            storage,
            clock,
            random,
            observers,
        }
    }

    /// Shows its state on that board, and does what operators ask for there.
    #[must_use]
    pub fn on(mut self, board: &HookBoard) -> Self {
        self.place = board.add(&self.target.name);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Sends events for ever. If several processes run the webhook over one store, one of them at a time sends: when
    /// that one stops, or can no longer show that it is alive, another goes on from the stored cursor.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped and run anew, it sends those last events again that were not known to be accepted.
    pub async fn run(self) {
        let reader = hook_reader(self.name());
        loop {
            let holding = Holding::new(&reader, self.hold(&reader).await);
            tokio::select! {
                biased;
                () = self.storage.reader_lost(holding.session()) => {}
                () = holding.lost() => {}
                () = self.tell_all(&holding) => {}
            }
            self.observers
                .tell(&Event::HookLeft(HookLeft::new(self.name())));
        }
    }

    /// Waits until this process has the right to call the webhook.
    async fn hold(&self, reader: &str) -> SessionId {
        let mut held = pin!(self.storage.hold_reader(reader));
        let at_once = poll_fn(|cx| Poll::Ready(held.as_mut().poll(cx))).await;
        let Poll::Ready(session) = at_once else {
            self.place.is_elsewhere();
            let session = held.await;
            tracing::info!(hook = self.name(), "this process calls a webhook");
            self.place.is_up();
            return session;
        };
        session
    }

    async fn tell_all(&self, holding: &Holding<'_>) {
        let mut cursor = self.begin(holding).await;
        let mut standing = self.stood().await;
        let mut failures = 0;
        loop {
            let page = self.page(&mut cursor).await;
            if !page.events.is_empty()
                && let Some(until) = self
                    .tell(holding, &page, &mut standing, &mut failures)
                    .await
            {
                // The rest is read anew.
                cursor = Some(until);
                continue;
            }
            if cursor.as_deref() != Some(&*page.next) {
                self.keep(holding, &page.next).await;
                cursor = Some(page.next);
            }
        }
    }

    /// The stored cursor; for a new webhook, the present end of the events.
    async fn begin(&self, holding: &Holding<'_>) -> Cursor {
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
        self.keep(holding, &next).await;
        Some(next)
    }

    /// The next events for the webhook, as soon as there are some; after a while, an empty page.
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

    /// Sends events until they are accepted, or an operator says that they are to be skipped. Returns the cursor from
    /// which to read on, if only some of the events were dealt with.
    async fn tell(
        &self,
        holding: &Holding<'_>,
        page: &EventsRead,
        standing: &mut Standing,
        failures: &mut u32,
    ) -> Cursor {
        let (Some(first), Some(last)) = (page.events.first(), page.events.last()) else {
            return None;
        };
        let events = (first.number, last.number);
        let (id, content) = self.request(page);
        loop {
            if standing.is_dead {
                self.place.show(|view| view.events = Some(events));
                let asked = self.place.asked().await;
                self.observers
                    .tell(&Event::HookResumed(HookResumed::new(self.name())));
                self.stands(holding, standing, Standing::default()).await;
                if asked == HookAction::Skip {
                    self.place.is_up();
                    return None;
                }
                self.place.show(|view| view.state = HookState::Failing);
            }
            // This process may have been suspended for so long that another one calls the webhook by now.
            if !self.storage.holds_reader(holding.session()) {
                holding.lose().await;
            }
            let called = HookCalled::new(self.name(), page.events.len());
            let not_taken = match self.target.poster.post(&id, content.clone()).await {
                Ok(()) => {
                    // The report names how often it had failed before.
                    let called = called.after(std::mem::take(failures));
                    self.observers.tell(&Event::HookCalled(called));
                    self.stands(holding, standing, Standing::default()).await;
                    self.place.is_up();
                    return None;
                }
                Err(not_taken) => not_taken,
            };
            *failures = failures.saturating_add(1);
            let called = called.failed(&not_taken.what, *failures);
            self.observers.tell(&Event::HookCalled(called));
            if sifting::is_refused(&not_taken)
                && *failures >= sifting::REFUSALS
                && let Some(last) = self.sift(holding, page).await
            {
                *failures = 0;
                self.stands(holding, standing, Standing::default()).await;
                self.place.is_up();
                return Some(last);
            }
            self.failed(holding, standing, &not_taken).await;
            self.place.show(|view| {
                (view.failures, view.events) = (*failures, Some(events));
                view.last_error = Some(not_taken.what.as_str().into());
            });
            if standing.is_dead {
                continue;
            }
            let pause = pause(*failures, &self.random);
            let pause = pause.max(not_taken.retry_after.unwrap_or_default());
            tokio::select! {
                biased;
                asked = self.place.asked() => if asked == HookAction::Skip {
                    *failures = 0;
                    self.stands(holding, standing, Standing::default()).await;
                    self.place.is_up();
                    return None;
                },
                () = sleep(pause) => {}
            }
            if sifting::is_refused(&not_taken) && page.events.len() < EVENTS_MAX {
                // Later events may have come by now. They show whether the server refuses everything, or only these.
                return Some(before(first.number));
            }
        }
    }

    /// The request that reports events: its id and its content.
    fn request(&self, page: &EventsRead) -> (String, bytes::Bytes) {
        let numbers = page.events.iter().map(|event| event.number);
        let (first, last) = (numbers.clone().min(), numbers.max());
        let id = format!(
            "events_{}_{}",
            first.unwrap_or_default(),
            last.unwrap_or_default()
        );
        let content = json!({
            "type": "events",
            "timestamp": self.clock.now().to_string(),
            "data": events_to_json(page),
        });
        (id, content.to_string().into())
    }

    async fn keep(&self, holding: &Holding<'_>, cursor: &str) {
        let (name, number) = (self.cursor_name(), cursor.parse().unwrap_or_default());
        self.write(holding, "note where it is", &name, number).await;
    }

    /// Writes a number of its own. If another process calls the webhook by now, the write shows it, and this task
    /// goes no further.
    async fn write(&self, holding: &Holding<'_>, what: &str, name: &str, number: u64) {
        let backend = self.storage.backend();
        let kept = self.insist(what, || async {
            match backend.keep_cursor_of(holding.reader(), name, number).await {
                Ok(()) => Ok(true),
                Err(BackendError::LeaseLost) => Ok(false),
                Err(error) => Err(error.into()),
            }
        });
        if !kept.await {
            holding.lose().await;
        }
    }

    /// Reads events; `None` if those after the cursor are no longer kept.
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

    /// Repeats a request to storage until it succeeds.
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
