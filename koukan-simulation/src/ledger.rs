//! The record of everything that the rules need.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use koukan_core::storage::record::KeptEvent;

use super::{
    plan::{Letter, Plan, To},
    world::Line,
};

/// A recipient of a message.
pub(crate) type Key = (u32, To);

/// Mail that an operator has ended.
#[derive(Debug, Clone)]
pub(crate) struct GivenUp {
    /// The destination whose mail was meant; `None` means all mail.
    pub(crate) destination: Option<u8>,
    /// When the action was known to be done, if it was.
    pub(crate) until: Option<Duration>,
    /// Whether the mail ended without notifications.
    pub(crate) loses: bool,
}

/// The record of a simulation.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) letters: BTreeMap<u32, Account>,
    /// When destinations accepted a message for a recipient.
    pub(crate) deliveries: BTreeMap<Key, Vec<Duration>>,
    /// When a destination had received the whole of an accepted message, the last time. From then on the
    /// agent cannot take it back.
    pub(crate) last_whole: BTreeMap<Key, Duration>,
    /// Recipients that a notification names.
    pub(crate) reports: BTreeMap<Key, u32>,
    /// How often an archive got a copy of the message to a recipient.
    pub(crate) copies: BTreeMap<Key, u32>,
    /// When storage had recorded that a recipient was delivered.
    pub(crate) recorded: BTreeMap<Key, Duration>,
    /// How often a destination accepted a message and the agent did not hear of it in time.
    pub(crate) unheard: BTreeMap<Key, u32>,
    /// Recipients for whom a destination gave more replies than commands, so that nobody can tell which reply
    /// counts.
    pub(crate) confused: BTreeSet<Key>,
    /// What operators have ended.
    pub(crate) given_up: Vec<GivenUp>,
    /// The operators who have resumed what they had stopped.
    pub(crate) resumed: BTreeSet<u32>,
    /// Recipients that were reported as cancelled to an application, and not delivered until then.
    pub(crate) withdrawn: BTreeSet<Key>,
    /// The events that a reader has read.
    pub(crate) read: Vec<KeptEvent>,
    /// Steps of the plan that have begun.
    pub(crate) begun: usize,
    /// When processes of the agent ended.
    pub(crate) ends: Vec<Duration>,
    /// The violations of rules.
    pub(crate) violations: Vec<String>,
    pub(crate) story: Vec<Line>,
    pub(crate) events: u64,
    /// How often the agent's sessions and its dispatcher were polled.
    pub(crate) polls: u64,
    /// Calls of storage, in the processes that have ended.
    pub(crate) calls: u64,
    /// A hash of the times at which something happened.
    pub(crate) fingerprint: u64,
}

/// What a client was told about a message.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) letter: Letter,
    /// The octets that were sent.
    pub(crate) content: Vec<u8>,
    /// The recipients for whom the client was promised delivery or a notification, and when.
    pub(crate) promised: BTreeMap<To, Duration>,
    /// The recipients whose last reply was a refusal, with its code and time.
    pub(crate) refused: BTreeMap<To, (u16, Duration)>,
    /// How often the client sent the whole message and heard no reply to it.
    pub(crate) unanswered: u32,
    /// How often the message was refused at its end.
    pub(crate) turned_away: u32,
    /// How long the client waited for replies to the message.
    pub(crate) waits: Vec<Duration>,
    /// When the client was told that the message is cancelled; nothing may be delivered from then
    /// on.
    pub(crate) cancelled: Option<Duration>,
    /// Whether the client has asked to cancel it, so that nothing is owed.
    pub(crate) is_withdrawn: bool,
    /// When the client was told that nothing more will be tried.
    pub(crate) over: Option<Duration>,
    /// Whether the client did something odd that makes others wait for it.
    pub(crate) is_slow: bool,
    /// When its client began.
    pub(crate) since: Duration,
    /// When it is to be sent at the earliest.
    pub(crate) not_before: Option<Duration>,
}

impl Ledger {
    /// The recipients to whom delivery was promised, and when.
    pub(crate) fn promised(&self) -> impl Iterator<Item = (Key, Duration)> + '_ {
        self.letters.values().flat_map(|account| {
            let promised = account.promised.iter();
            promised.map(|(to, at)| ((account.letter.number, *to), *at))
        })
    }

    /// How often a client may have repeated a message that had been accepted: it heard no reply, or
    /// storage failed after some recipients were delivered or committed.
    pub(crate) fn repetitions(&self, letter: u32, plan: &Plan) -> u32 {
        let Some(account) = self.letters.get(&letter) else {
            return 0;
        };
        if plan.is_durable() {
            account.unanswered
        } else {
            account.unanswered + account.turned_away
        }
    }

    pub(crate) fn deliveries_of(&self, key: &Key) -> &[Duration] {
        self.deliveries.get(key).map_or(&[], Vec::as_slice)
    }

    /// How often a destination accepted a message for a recipient and its reply could be heard.
    pub(crate) fn heard_of(&self, key: &Key) -> usize {
        let unheard = self.unheard.get(key).copied().unwrap_or_default();
        self.deliveries_of(key)
            .len()
            .saturating_sub(unheard as usize)
    }

    /// Whether an operator may have ended this recipient's mail without a notification.
    pub(crate) fn is_given_up(&self, key: &Key) -> bool {
        let since = self.letters.get(&key.0).map(|account| account.since);
        self.given_up.iter().any(|given_up| {
            let destination = given_up.destination;
            given_up.loses
                && destination.is_none_or(|own| own == key.1.destination)
                && given_up
                    .until
                    .is_none_or(|until| since.is_none_or(|since| since <= until))
        })
    }

    /// Whether an operator may have ended a transaction with all recipients of this message: an order that concerns
    /// one of them ends all.
    pub(crate) fn is_ended(&self, letter: u32) -> bool {
        let letter = self.letters.get(&letter).map(|account| &account.letter);
        let is_meant = |given_up: &GivenUp| match given_up.destination {
            Some(destination) => {
                let mut to = letter.into_iter().flat_map(|letter| &letter.to);
                to.any(|to| to.destination == destination)
            }
            None => true,
        };
        self.given_up.iter().any(is_meant)
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.violations.push(what);
    }
}

impl Account {
    pub(crate) fn of(letter: &Letter, since: Duration) -> Self {
        Self {
            letter: letter.clone(),
            content: letter.content(),
            promised: BTreeMap::new(),
            refused: BTreeMap::new(),
            unanswered: 0,
            turned_away: 0,
            waits: Vec::new(),
            cancelled: None,
            is_withdrawn: false,
            over: None,
            is_slow: false,
            since,
            not_before: None,
        }
    }

    /// The recipients that a client may send the message to again: those neither promised nor
    /// refused for good.
    pub(crate) fn open(&self) -> Vec<To> {
        let is_refused = |to: &To| self.refused.get(to).is_some_and(|(code, _)| *code >= 500);
        let mut open = self.letter.to.clone();
        open.retain(|to| !self.promised.contains_key(to) && !is_refused(to));
        open
    }

    /// Records a reply for a recipient.
    pub(crate) fn told(&mut self, to: To, code: u16, now: Duration) {
        if code < 400 {
            self.refused.remove(&to);
        } else {
            self.refused.insert(to, (code, now));
        }
    }

    /// The client heard the reply to the message; it counts for the recipients that were not
    /// refused before.
    pub(crate) fn answered(&mut self, to: &[To], code: u16, now: Duration) {
        for to in to {
            if self.refused.contains_key(to) {
                continue;
            }
            if code < 400 {
                self.promised.entry(*to).or_insert(now);
            } else {
                self.refused.insert(*to, (code, now));
            }
        }
    }
}
