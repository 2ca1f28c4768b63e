//! What a connection notes of its dialogue, and attaches to replies.

use koukan_core::reply::{Encryption, Extensions, Speaker};

use crate::client::Wire;

use super::Connection;

impl<Io: Wire> Connection<Io> {
    /// Notes the commands that were put into the output.
    pub(super) fn log_commands(&mut self) {
        if let Some(from) = self.unlogged.take() {
            let commands = &self.output.tail()[from..];
            self.log.note(Speaker::Client, commands);
        }
    }

    /// What is attached to a reply of our own about the connection: the dialogue, and how it is encrypted.
    pub(crate) fn heard(&mut self) -> Extensions {
        self.log_commands();
        let heard = Extensions::of(self.log.recording());
        match self.signature.get::<Encryption>() {
            Some(encryption) => heard.with(encryption.clone()),
            None => heard,
        }
    }

    /// Forgets the dialogue of earlier transactions; from now on it belongs to the next one. The
    /// first transaction on a connection also gets the beginning of the connection.
    pub(crate) fn begin_recording(&mut self) {
        self.log_commands();
        self.log.begin(self.transactions == 0);
    }

    /// Completes the recordings of the transaction, which has ended.
    pub(crate) fn end_recording(&mut self) {
        self.log.end();
    }

    /// Notes an event on the connection.
    pub(crate) fn log_event(&mut self, event: &str) {
        self.log.note(Speaker::Nobody, event.as_bytes());
    }
}
