//! A webhook's task.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use http::StatusCode;
use koukan_core::{
    causes::Causes,
    clock::SharedClock,
    event::{Event, HookCalled, HookGivenUp, HookLeft, HookLost, HookResumed, Observers},
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

use super::{NotTaken, Poster, holding::Holding, pauses::pause, standing::Standing};

/// Events of one request, at most.
const EVENTS_MAX: usize = 100;
/// How long events are waited for, before it is noted how many were none of the hook's.
const WAIT: Duration = Duration::from_secs(60);
/// What the name of a hook's cursor begins with.
const CURSOR: &str = "webhook:";
/// What the name begins with by which is kept how it stands.
const STANDING: &str = "webhook-standing:";

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
    /// For how long it is called that takes nothing.
    pub give_up_after: Duration,
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
    place: HookPlace,
}

/// The cursor of a hook; `None` for the oldest event that is kept.
type Cursor = Option<Box<str>>;

impl<E: EventService> Hook<E> {
    /// Tells of the events that `events` reads out of that storage.
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

    /// Shows there how it stands, and does what is asked there.
    #[must_use]
    pub fn on(mut self, board: &HookBoard) -> Self {
        self.place = board.add(&self.target.name);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Tells of events; for ever. Of several processes that run it over one store, one does at a time: when that
    /// stops, or cannot say that it lives, another goes on where it was.
    ///
    /// # Cancel safety
    ///
    /// Dropped and run anew, it tells of the last events again that were not known to be taken.
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

    /// Waits until this process is the one that calls it.
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
        loop {
            let page = self.page(&mut cursor).await;
            if !page.events.is_empty() {
                self.tell(holding, &page, &mut standing).await;
            }
            if cursor.as_deref() != Some(&*page.next) {
                self.keep(holding, &page.next).await;
                cursor = Some(page.next);
            }
        }
    }

    /// Where it was; where all is now, if it is new.
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

    /// How it stood when it ran before.
    async fn stood(&self) -> Standing {
        let name = self.standing_name();
        let found = self.insist("look how it stood", || async {
            Ok(self.storage.backend().cursor(&name).await?)
        });
        let standing = Standing::of_number(found.await.unwrap_or_default());
        if standing != Standing::default() {
            self.place.show(|view| {
                view.failing_since = standing.since;
                view.state = HookState::Failing;
            });
        }
        if standing.is_dead {
            self.give_up(&standing);
        }
        standing
    }

    /// Sends events until they are taken, or somebody says that they are to be left out.
    async fn tell(&self, holding: &Holding<'_>, page: &EventsRead, standing: &mut Standing) {
        let (Some(first), Some(last)) = (page.events.first(), page.events.last()) else {
            return;
        };
        let events = (first.number, last.number);
        let id = format!("events_{}_{}", first.number, last.number);
        let content = json!({
            "type": "events",
            "timestamp": self.clock.now().to_string(),
            "data": events_to_json(page),
        });
        let content = bytes::Bytes::from(content.to_string());
        let mut failures = 0_u32;
        loop {
            if standing.is_dead {
                self.place.show(|view| view.events = Some(events));
                let asked = self.place.asked().await;
                self.observers
                    .tell(&Event::HookResumed(HookResumed::new(self.name())));
                self.stands(holding, standing, Standing::default()).await;
                if asked == HookAction::Skip {
                    return self.place.is_up();
                }
                self.place.show(|view| view.state = HookState::Failing);
            }
            // It may have stood still for so long that another calls it by now.
            if !self.storage.holds_reader(holding.session()) {
                holding.lose().await;
            }
            let called = HookCalled::new(self.name(), page.events.len());
            let not_taken = match self.target.poster.post(&id, content.clone()).await {
                Ok(()) => {
                    // It is told how often it had failed before.
                    let called = called.after(failures);
                    self.observers.tell(&Event::HookCalled(called));
                    self.stands(holding, standing, Standing::default()).await;
                    return self.place.is_up();
                }
                Err(not_taken) => not_taken,
            };
            failures = failures.saturating_add(1);
            let called = called.failed(&not_taken.what, failures);
            self.observers.tell(&Event::HookCalled(called));
            self.failed(holding, standing, &not_taken).await;
            self.place.show(|view| {
                (view.failures, view.events) = (failures, Some(events));
                view.last_error = Some(not_taken.what.as_str().into());
            });
            if standing.is_dead {
                continue;
            }
            let pause = pause(failures, &self.random);
            let pause = pause.max(not_taken.retry_after.unwrap_or_default());
            tokio::select! {
                biased;
                asked = self.place.asked() => if asked == HookAction::Skip {
                    self.stands(holding, standing, Standing::default()).await;
                    return self.place.is_up();
                },
                () = sleep(pause) => {}
            }
        }
    }

    /// Notes that it has taken nothing once more, and gives it up where that has gone on for too long.
    async fn failed(&self, holding: &Holding<'_>, standing: &mut Standing, not_taken: &NotTaken) {
        let now = self.clock.now();
        let since = standing.since.unwrap_or(now);
        let time = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        // That it is gone is what 410 says.
        let is_gone = not_taken.status == Some(StatusCode::GONE);
        let is_dead = is_gone || time >= self.target.give_up_after;
        let stands = Standing {
            since: Some(since),
            is_dead,
        };
        self.stands(holding, standing, stands).await;
        self.place.show(|view| {
            view.failing_since = Some(since);
            view.state = HookState::Failing;
        });
        if is_dead {
            self.give_up(&stands);
        }
    }

    fn give_up(&self, standing: &Standing) {
        self.place.show(|view| view.state = HookState::Dead);
        let since = standing.since.unwrap_or_else(|| self.clock.now());
        let given_up = HookGivenUp::new(self.name(), since);
        self.observers.tell(&Event::HookGivenUp(given_up));
    }

    /// Keeps how it stands, where that is otherwise.
    async fn stands(&self, holding: &Holding<'_>, standing: &mut Standing, now: Standing) {
        if *standing == now {
            return;
        }
        *standing = now;
        let (name, number) = (self.standing_name(), now.to_number());
        self.write(holding, "note how it stands", &name, number)
            .await;
    }

    async fn keep(&self, holding: &Holding<'_>, cursor: &str) {
        let (name, number) = (self.cursor_name(), cursor.parse().unwrap_or_default());
        self.write(holding, "note where it is", &name, number).await;
    }

    /// Writes a number of its own. Where another process calls it by now, that is found, and nothing more is done here.
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

    fn standing_name(&self) -> String {
        format!("{STANDING}{}", self.name())
    }

    fn cursor_name(&self) -> String {
        format!("{CURSOR}{}", self.name())
    }
}
