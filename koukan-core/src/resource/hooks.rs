//! Webhooks, as operators see and change them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A request about webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOperation {
    /// List them.
    List,
    /// Show the one of that name.
    Show(Box<str>),
    /// Change the one of that name.
    Change(Box<str>, HookAction),
}

/// A change of a webhook that accepts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookAction {
    /// Call it now with the events that it has not accepted; if it was disabled, enable it and try for as
    /// long as before.
    Retry,
    /// Skip the events that it does not accept, and continue with the next ones.
    Skip,
}

/// The state of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookView {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Whether it accepts events.
    pub state: HookState,
    /// Since when it accepts none.
    pub failing_since: Option<Timestamp>,
    /// How often it has failed to accept the current events, since the agent was started.
    pub failures: u32,
    /// The last reason.
    pub last_error: Option<Box<str>>,
    /// The first and the last number of the events that it does not accept.
    pub events: Option<(u64, u64)>,
}

/// Whether a webhook accepts events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookState {
    /// It has accepted everything so far.
    Up,
    /// It has not accepted the last events, and is called again.
    Failing,
    /// It has accepted nothing for so long that it is disabled until an operator enables it.
    Dead,
    /// Another process that shares the store calls it, and knows its state.
    Elsewhere,
}

/// Where webhooks show their state and receive requests. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct HookBoard(Arc<Mutex<BTreeMap<Box<str>, HookPlace>>>);

/// One webhook's place on the board. Clones share it.
#[derive(Debug, Clone)]
pub struct HookPlace(Arc<Place>);

#[derive(Debug)]
struct Place {
    stands: Mutex<Stands>,
    is_asked: Notify,
}

#[derive(Debug)]
struct Stands {
    view: HookView,
    /// The last request that was not received yet.
    asked: Option<HookAction>,
}

/// As far as this process knows, the webhook accepts everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook accepts everything")]
pub struct TakesAll;

/// The reader name for a webhook's events: one process reads under a name at a time.
pub fn hook_reader(name: &str) -> String {
    format!("webhook-reader:{name}")
}

impl HookAction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Retry, Self::Skip];

    /// A word for the action, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
        }
    }
}

impl HookState {
    /// A word for the state, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Failing => "failing",
            Self::Dead => "dead",
            Self::Elsewhere => "elsewhere",
        }
    }
}

impl HookBoard {
    /// Adds a place for a webhook.
    pub fn add(&self, name: &str) -> HookPlace {
        let view = HookView {
            name: name.into(),
            state: HookState::Up,
            failing_since: None,
            failures: 0,
            last_error: None,
            events: None,
        };
        let place = HookPlace(Arc::new(Place {
            stands: Mutex::new(Stands { view, asked: None }),
            is_asked: Notify::new(),
        }));
        self.lock().insert(name.into(), place.clone());
        place
    }

    /// All webhooks, by name.
    pub fn views(&self) -> Vec<HookView> {
        self.lock().values().map(HookPlace::view).collect()
    }

    /// The webhook of that name, if there is one.
    pub fn find(&self, name: &str) -> Option<HookPlace> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, HookPlace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HookPlace {
    /// Its state.
    pub fn view(&self) -> HookView {
        self.lock().view.clone()
    }

    /// Shows that it accepts everything; a pending request is dropped.
    pub fn is_up(&self) {
        self.is_well(HookState::Up);
    }

    /// Shows that another process calls it; requests belong there.
    pub fn is_elsewhere(&self) {
        self.is_well(HookState::Elsewhere);
    }

    /// Resets everything that is known of a failure.
    fn is_well(&self, state: HookState) {
        let mut stands = self.lock();
        stands.asked = None;
        let view = &mut stands.view;
        (view.state, view.failing_since) = (state, None);
        (view.failures, view.last_error, view.events) = (0, None, None);
    }

    /// Shows the state of a failing webhook.
    pub fn show(&self, change: impl FnOnce(&mut HookView)) {
        change(&mut self.lock().view);
    }

    /// Requests a change.
    ///
    /// # Errors
    ///
    /// [`TakesAll`].
    pub fn ask(&self, action: HookAction) -> Result<(), TakesAll> {
        let mut stands = self.lock();
        if matches!(stands.view.state, HookState::Up | HookState::Elsewhere) {
            return Err(TakesAll);
        }
        stands.asked = Some(action);
        self.0.is_asked.notify_one();
        Ok(())
    }

    /// Waits for a request.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the next call gets the request.
    pub async fn asked(&self) -> HookAction {
        loop {
            let asked = self.lock().asked.take();
            match asked {
                Some(action) => return action,
                None => self.0.is_asked.notified().await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stands> {
        let stands = self.0.stands.lock();
        stands.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_takes_nothing_hears_what_is_asked() {
        let board = HookBoard::default();
        let place = board.add("x");
        assert_eq!(place.ask(HookAction::Skip), Err(TakesAll));
        place.show(|view| view.state = HookState::Dead);
        let asked = board.find("x").unwrap();
        assert_eq!(asked.ask(HookAction::Skip), Ok(()));
        assert_eq!(asked.ask(HookAction::Retry), Ok(()));
        assert_eq!(place.asked().await, HookAction::Retry);
        asked.ask(HookAction::Skip).unwrap();
        // It takes what it is sent meanwhile.
        place.is_up();
        place.show(|view| view.state = HookState::Failing);
        let silent = tokio::time::timeout(std::time::Duration::ZERO, place.asked());
        assert!(silent.await.is_err());
        // So does who is called by another process.
        place.is_elsewhere();
        assert_eq!(asked.view().state, HookState::Elsewhere);
        assert_eq!(asked.ask(HookAction::Retry), Err(TakesAll));
        assert!(board.find("y").is_none());
        assert_eq!(board.views().len(), 1);
    }
}
