//! The names of counters and other metrics.

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder};

/// Counters and their descriptions.
const COUNTERS: &[(&str, &str)] = &[
    (
        CONNECTIONS_OPENED,
        "Connections of clients that were accepted.",
    ),
    (
        CONNECTIONS_REFUSED,
        "Connections of clients that were turned away, since there were too many.",
    ),
    (
        MESSAGES_ACCEPTED,
        "Messages that clients were told are accepted, by who has to deliver them.",
    ),
    (
        TRANSACTIONS,
        "Transactions of SMTP clients that have ended, by what became of them.",
    ),
    (
        RECIPIENTS_REFUSED,
        "Recipients that SMTP clients were refused, by the class of the reply.",
    ),
    (RECEIVED, "Octets of messages from SMTP clients."),
    (
        ATTEMPTS,
        "Attempts to deliver that have ended, by the class of the final reply.",
    ),
    (
        DELIVERED,
        "Recipients whose destination has taken the message.",
    ),
    (
        DEFERRED,
        "Times that messages in custody were put off until their next attempt.",
    ),
    (
        FAILED,
        "Recipients in custody that nothing more is tried for, by the class of the last reply.",
    ),
    (CANCELLED, "Transactions that were cancelled."),
    (
        ABANDONED,
        "Transactions that were given up, since their message did not come.",
    ),
    (
        NOTIFICATIONS,
        "Notifications of failure that were put into the queue.",
    ),
    (
        NOTIFICATIONS_LOST,
        "Notifications that could not be delivered themselves.",
    ),
    (
        POLICY_MATCHES,
        "Times that rules of policies have matched, by rule and by what was done.",
    ),
    (
        VERIFICATIONS,
        "Recipients of whom it was to be found out whether their destination takes them, by what was found out.",
    ),
    (
        SCANNED,
        "Messages that scanners were to look at, by what was found out.",
    ),
    (
        SCANNER_QUESTIONS,
        "Questions to scanners, by whether they were answered.",
    ),
    (
        HOOK_REQUESTS,
        "Requests to webhooks, by whether they were taken.",
    ),
    (HOOK_EVENTS, "Events that webhooks have taken."),
    (
        HOOK_LOSSES,
        "Times that events were removed before a webhook had taken them.",
    ),
    (
        HOOK_LEFT_OUT,
        "Events that webhooks refuse for good, and are not sent any more.",
    ),
];
const GAUGES: &[(&str, &str)] = &[
    (CONNECTIONS, "Connections of clients now."),
    (
        SCANNER_DOWN,
        "Filters that do not ask a scanner at an address, since it has failed them too often.",
    ),
    (
        HOOK_DEAD,
        "Whether a webhook was given up, since it has taken nothing for too long.",
    ),
];
const HISTOGRAMS: &[(&str, &str)] = &[
    (
        TRANSACTION_DURATION,
        "From the beginning of an SMTP client's transaction to its final reply.",
    ),
    (
        ATTEMPT_DURATION,
        "From the beginning of an attempt to deliver to its end.",
    ),
    (
        VERIFICATION_DURATION,
        "For how long clients have waited for destinations that were asked whether they take a recipient.",
    ),
    (
        SCAN_DURATION,
        "From when a message was there to when it was looked at, or could not be.",
    ),
    (
        SCANNER_DURATION,
        "From a message's turn at a scanner to the answer, or to when that was given up.",
    ),
    (
        DELIVERY_AGE,
        "From the beginning of a transaction, or from when it was to be sent, to the delivery to a recipient.",
    ),
];

pub(super) const CONNECTIONS: &str = "koukan_connections";
pub(super) const CONNECTIONS_OPENED: &str = "koukan_connections_opened_total";
pub(super) const CONNECTIONS_REFUSED: &str = "koukan_connections_refused_total";
pub(super) const MESSAGES_ACCEPTED: &str = "koukan_messages_accepted_total";
pub(super) const TRANSACTIONS: &str = "koukan_transactions_total";
pub(super) const RECIPIENTS_REFUSED: &str = "koukan_recipients_refused_total";
pub(super) const RECEIVED: &str = "koukan_received_bytes_total";
pub(super) const TRANSACTION_DURATION: &str = "koukan_transaction_duration_seconds";
pub(super) const ATTEMPTS: &str = "koukan_attempts_total";
pub(super) const ATTEMPT_DURATION: &str = "koukan_attempt_duration_seconds";
pub(super) const DELIVERED: &str = "koukan_recipients_delivered_total";
pub(super) const DELIVERY_AGE: &str = "koukan_delivery_age_seconds";
pub(super) const DEFERRED: &str = "koukan_messages_deferred_total";
pub(super) const FAILED: &str = "koukan_recipients_failed_total";
pub(super) const CANCELLED: &str = "koukan_transactions_cancelled_total";
pub(super) const ABANDONED: &str = "koukan_transactions_abandoned_total";
pub(super) const NOTIFICATIONS: &str = "koukan_notifications_total";
pub(super) const VERIFICATIONS: &str = "koukan_recipient_verifications_total";
pub(super) const VERIFICATION_DURATION: &str = "koukan_recipient_verification_duration_seconds";
pub(super) const SCANNED: &str = "koukan_scanned_messages_total";
pub(super) const SCAN_DURATION: &str = "koukan_scan_duration_seconds";
pub(super) const SCANNER_QUESTIONS: &str = "koukan_scanner_questions_total";
pub(super) const SCANNER_DURATION: &str = "koukan_scanner_question_duration_seconds";
pub(super) const SCANNER_DOWN: &str = "koukan_scanner_down";
pub(super) const HOOK_REQUESTS: &str = "koukan_webhook_requests_total";
pub(super) const HOOK_EVENTS: &str = "koukan_webhook_events_total";
pub(super) const HOOK_DEAD: &str = "koukan_webhook_dead";
pub(super) const HOOK_LEFT_OUT: &str = "koukan_webhook_left_out_total";
pub(super) const HOOK_LOSSES: &str = "koukan_webhook_losses_total";
pub(super) const NOTIFICATIONS_LOST: &str = "koukan_notifications_lost_total";
pub(super) const POLICY_MATCHES: &str = "koukan_policy_matches_total";

const METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Where metrics are registered.
pub(super) struct Registrar(Box<dyn Recorder + Send + Sync>);

/// The labels of a series, each with its value.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Registrar {
    pub(super) fn new(recorder: impl Recorder + Send + Sync + 'static) -> Self {
        for (name, text) in COUNTERS {
            recorder.describe_counter(KeyName::from_const_str(name), None, (*text).into());
        }
        for (name, text) in GAUGES {
            recorder.describe_gauge(KeyName::from_const_str(name), None, (*text).into());
        }
        for (name, text) in HISTOGRAMS {
            recorder.describe_histogram(KeyName::from_const_str(name), None, (*text).into());
        }
        Self(Box::new(recorder))
    }

    pub(super) fn counter(&self, name: &'static str, labels: Labels<'_>) -> Counter {
        self.0.register_counter(&key(name, labels), &METADATA)
    }

    pub(super) fn gauge(&self, name: &'static str, labels: Labels<'_>) -> Gauge {
        self.0.register_gauge(&key(name, labels), &METADATA)
    }

    pub(super) fn histogram(&self, name: &'static str, labels: Labels<'_>) -> Histogram {
        self.0.register_histogram(&key(name, labels), &METADATA)
    }
}

fn key(name: &'static str, labels: Labels<'_>) -> Key {
    let labels = labels.iter();
    let labels = labels.map(|(label, value)| Label::new(*label, (*value).to_owned()));
    Key::from_parts(name, labels.collect::<Vec<_>>())
}
