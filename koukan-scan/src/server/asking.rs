//! What is asked of several addresses about one message: [`Asking`].

use std::{sync::OnceLock, time::Duration};

use koukan_core::{
    causes::Causes,
    event::{Event, Observers, ScannerAsked, ScannerStands},
};

use tokio::time::Instant;

use crate::ScanError;

/// A message that one address or several are asked about, and who is told of that.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    /// The scanner, as its signal is called.
    scanner: &'static str,
    observers: &'a Observers,
    /// When that one was asked which has answered.
    answered: OnceLock<Instant>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(scanner: &'static str, observers: &'a Observers) -> Self {
        Self {
            scanner,
            observers,
            answered: OnceLock::new(),
        }
    }

    /// One has answered that was asked then: what the others would have said does not matter any more.
    pub(super) fn answered(&self, asked: Instant) {
        // The first holds.
        let _ = self.answered.set(asked);
    }

    /// When that one was asked which has answered.
    pub(super) fn answering(&self) -> Option<Instant> {
        self.answered.get().copied()
    }

    /// Tells what came of asking at an address.
    pub(super) fn tell(&self, address: &str, duration: Duration, error: Option<&ScanError>) {
        let asked = ScannerAsked::new(self.scanner, address, duration);
        let text = error.map(|error| Causes(error).to_string());
        let asked = match &text {
            Some(text) => asked.failed(text),
            None => asked,
        };
        self.observers.tell(&Event::ScannerAsked(asked));
    }

    /// Tells whether whoever is at an address is asked from now on.
    pub(super) fn tell_standing(&self, address: &str, is_up: bool) {
        let stands = ScannerStands::new(self.scanner, address, is_up);
        self.observers.tell(&Event::ScannerStands(stands));
    }
}
