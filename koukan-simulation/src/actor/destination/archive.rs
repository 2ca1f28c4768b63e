//! A server that gets copies of other recipients' messages.

use super::{Destination, Message};
use crate::plan::To;

impl Destination {
    /// The same server for copies.
    pub(crate) fn archiving(mut self) -> Self {
        self.is_archive = true;
        self
    }

    /// As [`Message::add`]; an archive takes copies for anybody.
    pub(super) fn add(&self, message: &mut Message, line: &str) -> Option<bool> {
        let exists = message.add(line)?;
        if self.is_archive && !exists {
            message
                .recipients
                .extend(super::message::address(line).map(str::to_owned));
        }
        Some(exists || self.is_archive)
    }

    /// Records that the message was accepted.
    pub(super) fn deliver(&self, message: &Message) {
        if self.is_archive {
            self.keep(message);
        } else {
            message.deliver(&self.world, &self.name);
        }
    }

    /// Records that the agent does not hear of the acceptance.
    pub(super) fn unheard(&self, message: &Message) {
        if !self.is_archive {
            message.unheard(&self.world);
        }
    }

    fn keep(&self, message: &Message) {
        for address in &message.recipients {
            self.world
                .tell(&self.name, || format!("takes a copy for {address}"));
            let mut ledger = self.world.ledger();
            let Some((letter, keys)) = whom(address) else {
                ledger.violation(format!("the archive gets a copy for {address:?}"));
                continue;
            };
            let account = ledger.letters.get(&letter);
            if !account.is_some_and(|account| message.content.ends_with(&account.content)) {
                ledger.violation(format!("the copy of message {letter} is damaged"));
            }
            for to in keys {
                *ledger.copies.entry((letter, to)).or_default() += 1;
            }
        }
    }
}

/// The message that a recipient or a list belongs to, and those it stands for.
fn whom(address: &str) -> Option<(u32, Vec<To>)> {
    let one = To::parse(address).map(|(letter, to)| (letter, vec![to]));
    one.or_else(|| crate::plan::members(address))
}
