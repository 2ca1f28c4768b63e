//! Webhooks as whoever operates the agent sees and changes them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What is asked of webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookOperation {
    /// List them.
    List,
    /// Show the one of that name.
    Show(Box<str>),
    /// Change the one of that name.
    Change(Box<str>, HookAction),
}

/// What is to become of a webhook that takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookAction {
    /// It is called now with what it has not taken; where it was given up, it is tried for as long as before.
    Retry,
    /// The events that it does not take are left out, and it goes on with the next ones.
    Skip,
}

/// How a webhook stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookView {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Whether it takes events.
    pub state: HookState,
    /// Since when it takes none.
    pub failing_since: Option<Timestamp>,
    /// How often it has failed to take the events that are to be taken, since the agent has started.
    pub failures: u32,
    /// Why it has not taken them, the last time.
    pub last_error: Option<Box<str>>,
    /// The first and the last number of the events that it does not take.
    pub events: Option<(u64, u64)>,
}

/// Whether a webhook takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookState {
    /// It has taken all that it was sent.
    Up,
    /// It has not taken what it was sent last, and is called again.
    Failing,
    /// It has taken nothing for so long that it was given up: it is called again when somebody says so.
    Dead,
    /// Another process calls it, of those that work on one store: that one knows.
    Elsewhere,
}

/// Where webhooks show how they stand, and hear what is asked of them. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct HookBoard(Arc<Mutex<BTreeMap<Box<str>, HookPlace>>>);

/// The place of one webhook there. Clones are the same.
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
    /// What was asked last, and not heard yet.
    asked: Option<HookAction>,
}

/// There is nothing that the webhook does not take, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook takes what it is sent")]
pub struct TakesAll;

/// The name under which the events are read that a webhook is told of: of several processes one does at a time.
pub fn hook_reader(name: &str) -> String {
    format!("webhook-reader:{name}")
}

impl HookAction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Retry, Self::Skip];

    /// The action in a word, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
        }
    }
}

impl HookState {
    /// The state in a word, as in the REST API.
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
    /// Gives a webhook a place.
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
    /// How it stands.
    pub fn view(&self) -> HookView {
        self.lock().view.clone()
    }

    /// Shows that it takes what it is sent: what was asked is out of date.
    pub fn is_up(&self) {
        self.is_well(HookState::Up);
    }

    /// Shows that another process calls it: what was asked is to be asked there.
    pub fn is_elsewhere(&self) {
        self.is_well(HookState::Elsewhere);
    }

    /// Nothing is known of it that it does not take.
    fn is_well(&self, state: HookState) {
        let mut stands = self.lock();
        stands.asked = None;
        let view = &mut stands.view;
        (view.state, view.failing_since) = (state, None);
        (view.failures, view.last_error, view.events) = (0, None, None);
    }

    /// Shows how it stands that does not.
    pub fn show(&self, change: impl FnOnce(&mut HookView)) {
        change(&mut self.lock().view);
    }

    /// Asks something of it.
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

    /// Waits until something is asked.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, what is asked is heard the next time.
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
