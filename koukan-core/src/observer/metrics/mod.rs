//! Metrics.

mod by_name;
mod families;
mod scanners;
mod series;
mod verifications;

use std::fmt;

use ::metrics::{Counter, Recorder};

use crate::event::{Connection, Event, Message, Observer, PolicyMatched, Protocol};

use self::{
    by_name::ByName,
    families::Registrar,
    scanners::Scanners,
    series::{Clients, Connections, Deliveries, Hooks},
    verifications::Verifications,
};

/// Counts and measures what happens, for the crate [`metrics`](::metrics).
///
/// Each series has the sender's name as label `sender`, without its tag. Senders are configured, so
/// the number of series is limited, whatever clients do. From the 501st name on, all share the
/// label `other`. No address, host or identity of a client or recipient is a label.
///
/// `docs/metrics.md` lists all metrics.
///
/// # Example
///
/// ```
/// use koukan_core::{event::Observers, observer::{Log, Metrics}};
///
/// // What an exporter gives: here one that drops everything.
/// let recorder = metrics::NoopRecorder;
/// let observers = Observers::new(Log).with(std::sync::Arc::new(Metrics::new(recorder)));
/// ```
pub struct Metrics {
    registrar: Registrar,
    smtp: ByName<Connections>,
    http: Connections,
    clients: ByName<Clients>,
    deliveries: ByName<Deliveries>,
    policies: ByName<Counter>,
    hooks: ByName<Hooks>,
    scanners: Scanners,
    verifications: ByName<Verifications>,
}

impl Metrics {
    /// Records to `recorder`, which usually belongs to an exporter.
    pub fn new(recorder: impl Recorder + Send + Sync + 'static) -> Self {
        let registrar = Registrar::new(recorder);
        Self {
            smtp: ByName::new(),
            http: Connections::new(&registrar, &[("protocol", Protocol::Http.as_str())]),
            clients: ByName::new(),
            deliveries: ByName::new(),
            policies: ByName::new(),
            hooks: ByName::new(),
            scanners: Scanners::new(),
            verifications: ByName::new(),
            registrar,
        }
    }

    fn connections(&self, connection: &Connection<'_>, uses: impl FnOnce(&Connections)) {
        let protocol = connection.protocol;
        if protocol == Protocol::Http {
            return uses(&self.http);
        }
        let make = |name: &str| {
            let labels = &[("protocol", protocol.as_str()), ("sender", name)];
            Connections::new(&self.registrar, labels)
        };
        let name = connection.sender.map_or("", |sender| &*sender.name);
        self.smtp.with(name, make, uses);
    }

    fn clients(&self, message: &Message<'_>, uses: impl FnOnce(&Clients)) {
        let make = |name: &str| Clients::new(&self.registrar, name);
        self.clients.with(&message.context.sender.name, make, uses);
    }

    fn hooks(&self, name: &str, uses: impl FnOnce(&Hooks)) {
        let make = |name: &str| Hooks::new(&self.registrar, name);
        self.hooks.with(name, make, uses);
    }

    fn deliveries(&self, message: &Message<'_>, uses: impl FnOnce(&Deliveries)) {
        let make = |name: &str| Deliveries::new(&self.registrar, name);
        let sender = &message.context.sender.name;
        self.deliveries.with(sender, make, uses);
    }
}

impl Metrics {
    fn policies(&self, matched: &PolicyMatched<'_>) {
        let PolicyMatched { rule, action, .. } = matched;
        let make = |name: &str| {
            // For names beyond the limit neither is given.
            let (rule, action) = name.split_once(' ').unwrap_or((name, name));
            let labels = &[("rule", rule), ("action", action)];
            self.registrar.counter(families::POLICY_MATCHES, labels)
        };
        let name = format!("{rule} {action}");
        self.policies
            .with(&name, make, |counter| counter.increment(1));
    }
}

impl Observer for Metrics {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Connected(connection) => self.connections(connection, |of| {
                of.opened.increment(1);
                of.now.increment(1.0);
            }),
            Event::AwaitsProxy(_) | Event::Operated(_) => {}
            Event::Disconnected(connection, _) => {
                self.connections(connection, |of| of.now.decrement(1.0));
            }
            Event::TurnedAway(connection) => {
                self.connections(connection, |of| of.refused.increment(1));
            }
            Event::Accepted(accepted) => self.clients(&accepted.message, |of| {
                of.accepted.of(accepted.custody).increment(1);
            }),
            Event::RecipientRefused(refused) => self.clients(&refused.message, |of| {
                of.refused.of(refused.reply).increment(1);
            }),
            Event::Ended(ended) => self.clients(&ended.message, |of| {
                of.ended.of(ended.outcome).increment(1);
                of.received.increment(ended.octets);
                if ended.reply.is_some() {
                    of.duration.record(ended.duration);
                }
            }),
            Event::Attempted(attempted) => self.deliveries(&attempted.message, |of| {
                of.attempts.of(attempted.final_reply).increment(1);
                of.duration.record(attempted.duration);
            }),
            Event::Delivered(delivered) => self.deliveries(&delivered.message, |of| {
                of.delivered.increment(1);
                of.age.record(delivered.age);
            }),
            Event::Deferred(deferred) => {
                self.deliveries(&deferred.message, |of| of.deferred.increment(1));
            }
            Event::Failed(failed) => self.deliveries(&failed.message, |of| {
                of.failed.of(failed.reply).increment(1);
            }),
            Event::Cancelled(message) => self.deliveries(message, |of| of.cancelled.increment(1)),
            Event::Abandoned(message) => self.deliveries(message, |of| of.abandoned.increment(1)),
            Event::Notified(notified) => {
                self.deliveries(&notified.message, |of| of.notified.increment(1));
            }
            Event::PolicyMatched(matched) => self.policies(matched),
            Event::RecipientVerified(verified) => {
                let make = |name: &str| Verifications::new(&self.registrar, name);
                let name = &verified.sender.name;
                self.verifications.with(name, make, |of| of.count(verified));
            }
            Event::Scanned(scanned) => self.scanners.scanned(&self.registrar, scanned),
            Event::ScannerAsked(asked) => self.scanners.asked(&self.registrar, asked),
            Event::ScannerStands(stands) => self.scanners.stands(&self.registrar, stands),
            Event::HookCalled(called) => self.hooks(called.hook, |of| match called.error {
                None => {
                    of.taken.increment(1);
                    of.events.increment(called.events as u64);
                }
                Some(_) => of.failed.increment(1),
            }),
            Event::HookLost(lost) => self.hooks(lost.hook, |of| of.lost.increment(1)),
            Event::HookLeftOut(it) => self.hooks(it.hook, |of| of.left_out.increment(1)),
            Event::HookGivenUp(it) => self.hooks(it.hook, |of| of.dead.set(1.0)),
            Event::HookResumed(it) => self.hooks(it.hook, |of| of.dead.set(0.0)),
            // The process that calls it from now on reports its state.
            Event::HookLeft(it) => self.hooks(it.hook, |of| of.dead.set(0.0)),
            Event::NotificationLost(lost) => {
                self.deliveries(&lost.message, |of| of.lost.increment(1));
            }
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
