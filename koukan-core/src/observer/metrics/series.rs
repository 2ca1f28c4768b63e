//! The metrics of one sender or listener.

use ::metrics::{Counter, Gauge, Histogram};

use crate::{
    event::{Custodian, Outcome},
    reply::Reply,
};

use super::families::{self as f, Labels, Registrar};

/// Metrics of connections to a listener.
pub(super) struct Connections {
    pub(super) now: Gauge,
    pub(super) opened: Counter,
    pub(super) refused: Counter,
}

/// Metrics of a sender's clients.
pub(super) struct Clients {
    pub(super) accepted: Accepted,
    pub(super) ended: Ended,
    pub(super) refused: ByClass,
    pub(super) received: Counter,
    pub(super) duration: Histogram,
}

/// Metrics of deliveries on behalf of a sender.
pub(super) struct Deliveries {
    pub(super) attempts: ByClass,
    pub(super) duration: Histogram,
    pub(super) delivered: Counter,
    pub(super) age: Histogram,
    pub(super) deferred: Counter,
    pub(super) failed: ByClass,
    pub(super) cancelled: Counter,
    pub(super) abandoned: Counter,
    pub(super) notified: Counter,
    pub(super) lost: Counter,
}

/// Metrics of a webhook.
pub(super) struct Hooks {
    pub(super) taken: Counter,
    pub(super) failed: Counter,
    pub(super) events: Counter,
    pub(super) lost: Counter,
    pub(super) left_out: Counter,
    pub(super) dead: Gauge,
}

/// A counter for each custody.
pub(super) struct Accepted {
    upstream: Counter,
    own: Counter,
}

/// A counter for each outcome.
pub(super) struct Ended {
    accepted: Counter,
    refused: Counter,
    failed: Counter,
    aborted: Counter,
}

/// A counter for each class of replies.
pub(super) struct ByClass {
    positive: Counter,
    transient: Counter,
    permanent: Counter,
}

impl Connections {
    pub(super) fn new(registrar: &Registrar, labels: Labels<'_>) -> Self {
        Self {
            now: registrar.gauge(f::CONNECTIONS, labels),
            opened: registrar.counter(f::CONNECTIONS_OPENED, labels),
            refused: registrar.counter(f::CONNECTIONS_REFUSED, labels),
        }
    }
}

impl Clients {
    pub(super) fn new(registrar: &Registrar, sender: &str) -> Self {
        let labels = &[("sender", sender)];
        Self {
            accepted: Accepted::new(registrar, sender),
            ended: Ended::new(registrar, sender),
            refused: ByClass::new(registrar, f::RECIPIENTS_REFUSED, sender),
            received: registrar.counter(f::RECEIVED, labels),
            duration: registrar.histogram(f::TRANSACTION_DURATION, labels),
        }
    }
}

impl Deliveries {
    pub(super) fn new(registrar: &Registrar, sender: &str) -> Self {
        let labels = &[("sender", sender)];
        let counter = |name| registrar.counter(name, labels);
        Self {
            attempts: ByClass::new(registrar, f::ATTEMPTS, sender),
            duration: registrar.histogram(f::ATTEMPT_DURATION, labels),
            delivered: counter(f::DELIVERED),
            age: registrar.histogram(f::DELIVERY_AGE, labels),
            deferred: counter(f::DEFERRED),
            failed: ByClass::new(registrar, f::FAILED, sender),
            cancelled: counter(f::CANCELLED),
            abandoned: counter(f::ABANDONED),
            notified: counter(f::NOTIFICATIONS),
            lost: counter(f::NOTIFICATIONS_LOST),
        }
    }
}

impl Accepted {
    fn new(registrar: &Registrar, sender: &str) -> Self {
        let counter = |custody| {
            let labels = &[("sender", sender), ("custody", custody)];
            registrar.counter(f::MESSAGES_ACCEPTED, labels)
        };
        Self {
            upstream: counter("upstream"),
            own: counter("own"),
        }
    }

    pub(super) fn of(&self, custody: Custodian) -> &Counter {
        match custody {
            Custodian::Upstream => &self.upstream,
            Custodian::Own => &self.own,
        }
    }
}

impl Hooks {
    pub(super) fn new(registrar: &Registrar, hook: &str) -> Self {
        let requests = |outcome| {
            let labels = &[("hook", hook), ("outcome", outcome)];
            registrar.counter(f::HOOK_REQUESTS, labels)
        };
        Self {
            taken: requests("taken"),
            failed: requests("failed"),
            events: registrar.counter(f::HOOK_EVENTS, &[("hook", hook)]),
            lost: registrar.counter(f::HOOK_LOSSES, &[("hook", hook)]),
            left_out: registrar.counter(f::HOOK_LEFT_OUT, &[("hook", hook)]),
            dead: registrar.gauge(f::HOOK_DEAD, &[("hook", hook)]),
        }
    }
}

impl Ended {
    fn new(registrar: &Registrar, sender: &str) -> Self {
        let counter = |outcome: Outcome| {
            let labels = &[("sender", sender), ("outcome", outcome.as_str())];
            registrar.counter(f::TRANSACTIONS, labels)
        };
        Self {
            accepted: counter(Outcome::Accepted(Custodian::Upstream)),
            refused: counter(Outcome::Refused),
            failed: counter(Outcome::Failed),
            aborted: counter(Outcome::Aborted),
        }
    }

    pub(super) fn of(&self, outcome: Outcome) -> &Counter {
        match outcome {
            Outcome::Accepted(_) => &self.accepted,
            Outcome::Refused => &self.refused,
            Outcome::Failed => &self.failed,
            Outcome::Aborted => &self.aborted,
        }
    }
}

impl ByClass {
    fn new(registrar: &Registrar, name: &'static str, sender: &str) -> Self {
        let counter = |class| {
            let labels = &[("sender", sender), ("reply", class)];
            registrar.counter(name, labels)
        };
        Self {
            positive: counter("2yz"),
            transient: counter("4yz"),
            permanent: counter("5yz"),
        }
    }

    pub(super) fn of(&self, reply: &Reply) -> &Counter {
        if reply.is_permanent() {
            &self.permanent
        } else if reply.is_positive() {
            &self.positive
        } else {
            &self.transient
        }
    }
}
