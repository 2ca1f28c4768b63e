//! One message that may be shown at several addresses: [`Asking`].

use std::{sync::OnceLock, time::Duration};

use koukan_core::{
    causes::Causes,
    event::{Event, Observers, ScannerAsked, ScannerStands},
    shares::Client,
};

use tokio::time::Instant;

use crate::ScanError;

/// One message that may be shown at several addresses, and the observers to report to.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    /// The scanner, by the name of its signal.
    scanner: &'static str,
    observers: &'a Observers,
    /// Who brought the message.
    client: Client,
    /// When the address that has answered was asked.
    answered: OnceLock<Instant>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(scanner: &'static str, observers: &'a Observers, client: Client) -> Self {
        Self {
            scanner,
            observers,
            client,
            answered: OnceLock::new(),
        }
    }

    /// Who brought the message.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// An address that was asked at `asked` has answered. Answers of the others no longer matter.
    pub(super) fn answered(&self, asked: Instant) {
        // The first answer counts.
        let _ = self.answered.set(asked);
    }

    /// When the address that has answered was asked, once one has.
    pub(super) fn answering(&self) -> Option<Instant> {
        self.answered.get().copied()
    }

    /// Reports the outcome of asking one address.
    pub(super) fn tell(&self, address: &str, duration: Duration, error: Option<&ScanError>) {
        let asked = ScannerAsked::new(self.scanner, address, duration);
        let text = error.map(|error| Causes(error).to_string());
        let asked = match &text {
            Some(text) => asked.failed(text),
            None => asked,
        };
        self.observers.tell(&Event::ScannerAsked(asked));
    }

    /// Reports whether this address is asked from now on.
    pub(super) fn tell_standing(&self, address: &str, is_up: bool) {
        let stands = ScannerStands::new(self.scanner, address, is_up);
        self.observers.tell(&Event::ScannerStands(stands));
    }
}
