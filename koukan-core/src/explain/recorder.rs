//! The notes about one message.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};

use crate::{
    context::Sender,
    path::ForwardPath,
    remote_address::RemoteAddress,
    reply::Reply,
    resource::{Note, NotePhase, Passage, PassageOf, What},
    signals::{Carried, Signals},
};

/// The largest number of notes for one passage; later ones are left out.
const NOTES_MAX: usize = 10_000;

/// Collects notes about one message. Clones share them.
#[derive(Clone, Default)]
pub struct Explainer(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    passages: Vec<Under>,
    unasked: Vec<RemoteAddress>,
}

/// A passage under way.
struct Under {
    passage: Passage,
    phase: NotePhase,
    /// The reverse-path as it was seen last.
    reverse_path: Box<str>,
    /// The forward-paths as they were seen last, by the positions of their RCPT.
    forward_paths: HashMap<usize, Box<str>>,
    /// How many filters MAIL has passed, and each RCPT.
    mail_depth: usize,
    rcpt_depths: HashMap<usize, usize>,
    /// The first probe at which the message ended with a failure.
    broken_at: Option<usize>,
}

/// The passage that a transaction belongs to: a signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here(pub(super) usize);

impl Explainer {
    /// Nothing is noted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a filter would have connected to this address.
    pub fn would_connect(&self, address: impl Into<RemoteAddress>) {
        let (address, mut notes) = (address.into(), self.lock());
        if !notes.unasked.contains(&address) && notes.unasked.len() < NOTES_MAX {
            notes.unasked.push(address);
        }
    }

    /// Takes all notes.
    pub(super) fn take(&self) -> (Vec<Passage>, Vec<RemoteAddress>) {
        let mut notes = self.lock();
        let passages = std::mem::take(&mut notes.passages).into_iter();
        let passages = passages.map(|under| under.passage);
        (passages.collect(), std::mem::take(&mut notes.unasked))
    }

    /// A passage begins.
    pub(super) fn begin(
        &self,
        of: PassageOf,
        (sender, chain, filters): (Sender, &str, &[Box<str>]),
        reverse_path: &str,
        signals: &Signals,
    ) -> usize {
        let mut notes = self.lock();
        notes.passages.push(Under {
            passage: Passage {
                of,
                sender,
                chain: chain.into(),
                filters: filters.to_vec(),
                notes: Vec::new(),
                signals: values(signals),
            },
            phase: NotePhase::Mail,
            reverse_path: reverse_path.into(),
            forward_paths: HashMap::new(),
            mail_depth: 0,
            rcpt_depths: HashMap::new(),
            broken_at: None,
        });
        notes.passages.len() - 1
    }

    /// The last passage of that chain.
    pub(super) fn last_of(&self, chain: &str) -> Option<usize> {
        let notes = self.lock();
        let mut passages = notes.passages.iter();
        passages.rposition(|under| *under.passage.chain == *chain)
    }

    /// Notes something that this filter did.
    pub(super) fn note(&self, here: usize, filter: Option<usize>, what: What) {
        self.with(here, |under| under.note(filter, what));
    }

    /// As [`Explainer::note`], at that time.
    pub(super) fn note_at(&self, here: usize, phase: NotePhase, filter: Option<usize>, what: What) {
        self.with(here, |under| {
            under.phase = phase;
            under.note(filter, what);
        });
    }

    /// The forward-path of that RCPT, as it was seen last.
    pub(super) fn forward_path(&self, here: usize, position: usize) -> Box<str> {
        let mut found = None;
        self.with(here, |under| {
            found = under.forward_paths.get(&position).cloned();
        });
        found.unwrap_or_default()
    }

    /// MAIL has passed that many filters.
    pub(super) fn mail(&self, here: usize, depth: usize, reverse_path: &str, signals: &Signals) {
        self.with(here, |under| {
            under.mail_depth = under.mail_depth.max(depth);
            under.signals(depth, signals);
            if *under.reverse_path != *reverse_path {
                under.reverse_path = reverse_path.into();
                under.note(above(depth), What::ReversePath(reverse_path.into()));
            }
        });
    }

    /// MAIL was answered, as the client hears it.
    pub(super) fn mail_answered(&self, here: usize, reply: &Reply) {
        self.with(here, |under| {
            if under.mail_depth < under.passage.filters.len() && reply.is_negative() {
                let by = Some(under.mail_depth);
                under.note_unless_told(by, What::Refused(plain(reply)));
            }
        });
    }

    /// A RCPT has passed that many filters.
    pub(super) fn rcpt(
        &self,
        here: usize,
        depth: usize,
        (position, to): (usize, &ForwardPath),
        signals: &Signals,
    ) {
        self.with(here, |under| {
            let deepest = under.rcpt_depths.entry(position).or_default();
            *deepest = (*deepest).max(depth);
            let to: Box<str> = to.as_str().into();
            if depth == 0 {
                under.phase = NotePhase::Rcpt(to.clone());
            }
            under.signals(depth, signals);
            let before = under.forward_paths.insert(position, to.clone());
            if before.is_some_and(|before| before != to) {
                under.note(above(depth), What::ForwardPath(to));
            }
        });
    }

    /// A RCPT was answered, as the client hears it. `to` is what the client has asked for.
    pub(super) fn rcpt_answered(&self, here: usize, position: usize, to: &str, reply: &Reply) {
        self.with(here, |under| {
            let depth = under.rcpt_depths.get(&position).copied();
            let depth = depth.unwrap_or_default();
            if depth >= under.passage.filters.len() {
                return;
            }
            under.phase = NotePhase::Rcpt(to.into());
            let what = match reply.is_negative() {
                true => What::Refused(plain(reply)),
                false => What::Answered(plain(reply)),
            };
            under.note_unless_told(Some(depth), what);
        });
    }

    /// The message, or its end, has passed that many filters.
    pub(super) fn message(&self, here: usize, phase: NotePhase, depth: usize, signals: &Signals) {
        self.with(here, |under| {
            under.phase = phase;
            under.signals(depth, signals);
        });
    }

    /// The message does not pass the filter above that probe.
    pub(super) fn broken(&self, here: usize, depth: usize) {
        self.with(here, |under| {
            under.broken_at = Some(under.broken_at.map_or(depth, |before| before.min(depth)));
        });
    }

    /// The passage ends with that reply.
    pub(super) fn end(&self, here: usize, reply: &Reply, signals: &Signals) {
        self.with(here, |under| {
            under.phase = NotePhase::End;
            under.signals(usize::MAX, signals);
            if let Some(depth) = under.broken_at
                && reply.is_negative()
            {
                under.note_unless_told(above(depth), What::Refused(plain(reply)));
            }
        });
    }

    fn with(&self, here: usize, f: impl FnOnce(&mut Under)) {
        if let Some(under) = self.lock().passages.get_mut(here) {
            f(under);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Under {
    fn note(&mut self, filter: Option<usize>, what: What) {
        if self.passage.notes.len() < NOTES_MAX {
            let phase = self.phase.clone();
            self.passage.notes.push(Note {
                phase,
                filter,
                what,
            });
        }
    }

    /// Notes a refusal, unless the rule that refuses has told of it.
    fn note_unless_told(&mut self, filter: Option<usize>, what: What) {
        let refusal = match &what {
            What::Refused(reply) => Some(reply),
            _ => None,
        };
        let is_told = self
            .passage
            .notes
            .iter()
            .rev()
            .any(|note| match &note.what {
                What::Rule(look) => note.phase == self.phase && look.reply.as_ref() == refusal,
                _ => false,
            });
        if refusal.is_none() || !is_told {
            self.note(filter, what);
        }
    }

    /// Notes the signals that were set since. A signal that nobody else is known to have set was set by
    /// the filter above.
    fn signals(&mut self, depth: usize, signals: &Signals) {
        for (name, value) in values(signals) {
            if self.passage.signals.contains_key(&name) {
                continue;
            }
            // Rules tell of themselves.
            if !name.starts_with("policy.") {
                let what = What::Signal {
                    name: name.as_str().into(),
                    value: value.clone(),
                };
                self.note(above(depth), what);
            }
            self.passage.signals.insert(name, value);
        }
    }
}

/// The filter right above a probe.
fn above(depth: usize) -> Option<usize> {
    (depth != usize::MAX)
        .then(|| depth.checked_sub(1))
        .flatten()
}

/// The durable signals, without the id of the message.
fn values(signals: &Signals) -> Map<String, Value> {
    let mut values = signals.carried_values().to_map();
    values.remove(Carried::TRACE_ID);
    values
}

/// A reply as clients hear it.
fn plain(reply: &Reply) -> Reply {
    reply.clone().without_extensions()
}

impl fmt::Debug for Explainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explainer").finish_non_exhaustive()
    }
}
