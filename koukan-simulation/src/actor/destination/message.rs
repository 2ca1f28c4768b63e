//! A message as a destination receives it.

use std::time::Duration;

use crate::{
    plan::To,
    world::{Time, World},
};

/// How much earlier than asked a message may be sent, since times are stored with less precision.
const EARLY: Duration = Duration::from_secs(1);

/// What a destination has received of a message.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// When its MAIL was accepted.
    pub(crate) begun: Option<Duration>,
    /// When the whole message had arrived. The reply may come later.
    pub(crate) whole: Option<Duration>,
    pub(crate) recipients: Vec<String>,
    pub(crate) content: Vec<u8>,
}

impl Message {
    /// Adds a recipient. Returns whether the address exists; `None` where it is not an address.
    pub(crate) fn add(&mut self, line: &str) -> Option<bool> {
        let address = address(line)?;
        let exists = match To::parse(address) {
            Some((_, to)) => to.exists,
            // A client's address, which notifications go to.
            None => address.ends_with("@clients.test"),
        };
        if exists {
            self.recipients.push(address.to_owned());
        }
        Some(exists)
    }

    /// Records that the message was accepted.
    pub(crate) fn deliver(&self, world: &World, who: &str) {
        for address in &self.recipients {
            world.tell(who, || format!("takes a message for {address}"));
            match To::parse(address) {
                Some((letter, to)) => self.delivered(world, letter, to),
                None => self.reported(world, address),
            }
        }
    }

    /// Records that the agent does not hear of the acceptance.
    pub(crate) fn unheard(&self, world: &World) {
        let mut ledger = world.ledger();
        for key in self
            .recipients
            .iter()
            .filter_map(|address| To::parse(address))
        {
            *ledger.unheard.entry(key).or_default() += 1;
        }
    }

    fn delivered(&self, world: &World, letter: u32, to: To) {
        let at = world.elapsed();
        // After this point the agent cannot take the message back.
        let begun = self.begun.unwrap_or(at);
        let mut ledger = world.ledger();
        let address = to.address(letter);
        // A client may have sent it again; and where a server gives too many replies, nobody can
        // tell which recipient one is for.
        let repetitions = ledger.repetitions(letter, &world.plan);
        let is_excused = repetitions > 0 || ledger.confused.contains(&(letter, to));
        let recorded = ledger.recorded.get(&(letter, to)).copied();
        if let Some(recorded) = recorded.filter(|recorded| *recorded < begun && !is_excused) {
            let recorded = Time(recorded);
            let what = format!(
                "{address} gets message {letter} again, which was recorded as delivered at {recorded}"
            );
            ledger.violation(what);
        }
        let Some(account) = ledger.letters.get(&letter) else {
            ledger.violation(format!(
                "{address} gets message {letter}, which nobody sent"
            ));
            return;
        };
        let is_whole = self.content.ends_with(&account.content);
        // Clocks of several processes differ.
        let is_bound = world.plan.replicas.is_empty() && !world.plan.is_hurried(to.destination);
        let due = account
            .not_before
            .filter(|due| is_bound && at + EARLY < *due);
        let is_withdrawn = ledger.withdrawn.contains(&(letter, to));
        let said = if account.cancelled.is_some() {
            Some("which was said to be cancelled")
        } else if account.over.is_some_and(|at| at < begun) {
            Some("of which it was said that nothing more would be tried")
        } else {
            None
        };
        if !is_whole {
            ledger.violation(format!("{address} gets message {letter} damaged"));
        }
        if let Some(said) = said {
            ledger.violation(format!("{address} gets message {letter}, {said}"));
        }
        if let Some(due) = due {
            let due = Time(due);
            ledger.violation(format!(
                "{address} gets message {letter}, which was to be sent at {due}"
            ));
        }
        if is_withdrawn {
            ledger.violation(format!(
                "{address} gets message {letter}, which was said to be cancelled for it"
            ));
        }
        let deliveries = ledger.deliveries.entry((letter, to)).or_default();
        deliveries.push(at);
        let whole = self.whole.unwrap_or(at);
        let last = ledger.last_whole.entry((letter, to)).or_default();
        *last = whole.max(*last);
    }

    /// Records the recipients that a notification names.
    fn reported(&self, world: &World, address: &str) {
        let text = String::from_utf8_lossy(&self.content);
        let fields = text.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("final-recipient")
                .then_some(value)
        });
        let mut ledger = world.ledger();
        let mut is_empty = true;
        for value in fields {
            let failed = value.split_once(';').map_or(value, |(_, address)| address);
            let Some(key) = To::parse(failed.trim()) else {
                ledger.violation(format!("a notification names {failed:?}"));
                continue;
            };
            is_empty = false;
            if format!("s{}@clients.test", key.0) != address {
                ledger.violation(format!("a notification of {failed} goes to {address}"));
            }
            *ledger.reports.entry(key).or_default() += 1;
        }
        if is_empty {
            ledger.violation(format!("a notification to {address} names nobody"));
        }
    }
}

/// Records that nobody can tell which reply is for this recipient.
pub(crate) fn confused(world: &World, line: &str) {
    if let Some(key) = address(line).and_then(To::parse) {
        world.ledger().confused.insert(key);
    }
}

/// The address in a command.
pub(super) fn address(line: &str) -> Option<&str> {
    let (_, path) = line.split_once('<')?;
    let (address, _) = path.split_once('>')?;
    Some(address)
}
