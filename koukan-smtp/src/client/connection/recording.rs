//! What a connection notes of what is said on it, and tells of it.

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

    /// What goes with a reply of our own about the connection: what was said, and how it is encrypted.
    pub(crate) fn heard(&mut self) -> Extensions {
        self.log_commands();
        let heard = Extensions::of(self.log.recording());
        match self.signature.get::<Encryption>() {
            Some(encryption) => heard.with(encryption.clone()),
            None => heard,
        }
    }

    /// Forgets what was said for others: from now on it is for a transaction that is to begin here. The
    /// first one on a connection is told of its beginning, too.
    pub(crate) fn begin_recording(&mut self) {
        self.log_commands();
        self.log.begin(self.transactions == 0);
    }

    /// Tells what was said to whom it may concern, now that the transaction has ended.
    pub(crate) fn end_recording(&mut self) {
        self.log.end();
    }

    /// Notes something that has happened to the connection.
    pub(crate) fn log_event(&mut self, event: &str) {
        self.log.note(Speaker::Nobody, event.as_bytes());
    }
}
