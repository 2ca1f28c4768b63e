//! Which suspensions and suppressions of an in-memory store have changed.

use std::collections::VecDeque;

use crate::storage::{
    BansChanged,
    record::{BanChange, SuppressionChange, SuspensionChange},
};

use super::store::Store;

/// How many changes are kept.
const KEPT: u64 = 10_000;

/// The latest changes.
#[derive(Default)]
pub(super) struct Bans {
    last: u64,
    changed: VecDeque<Ban>,
}

enum Ban {
    Host(Box<str>),
    /// A sender's.
    Address(Box<str>, Box<str>),
}

impl Bans {
    pub(super) fn note_host(&mut self, host: Box<str>) {
        self.note(Ban::Host(host));
    }

    pub(super) fn note_address(&mut self, sender: Box<str>, address: Box<str>) {
        self.note(Ban::Address(sender, address));
    }

    fn note(&mut self, ban: Ban) {
        self.last += 1;
        self.changed.push_back(ban);
        if self.changed.len() as u64 > KEPT {
            self.changed.pop_front();
        }
    }
}

impl Store {
    pub(super) fn bans_changed(&self, since: Option<u64>) -> BansChanged {
        let Bans { last, changed } = &self.bans;
        let new = since.and_then(|since| last.checked_sub(since));
        let new = new.filter(|new| *new <= KEPT);
        let changes = new.map(|new| {
            let new = usize::try_from(new).unwrap_or(usize::MAX);
            let new = changed.iter().skip(changed.len().saturating_sub(new));
            new.map(|ban| self.as_it_is(ban)).collect()
        });
        BansChanged {
            number: *last,
            changes,
        }
    }

    fn as_it_is(&self, ban: &Ban) -> BanChange {
        match ban {
            Ban::Host(host) => BanChange::Suspension(match self.waiting.suspension(host) {
                Some(suspension) => SuspensionChange::Suspend(suspension),
                None => SuspensionChange::Resume(host.clone()),
            }),
            Ban::Address(sender, address) => {
                BanChange::Suppression(match self.suppressed.find(sender, address) {
                    Some(one) => SuppressionChange::Keep(one),
                    None => SuppressionChange::Remove {
                        sender: sender.clone(),
                        address: address.clone(),
                    },
                })
            }
        }
    }
}
