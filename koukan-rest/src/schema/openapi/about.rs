//! The texts about each operation.

use utoipa::openapi::{Tag, tag::TagBuilder};

/// An operation.
pub(super) struct About {
    /// The operation's name in generated clients.
    pub(super) id: &'static str,
    /// The group that it belongs to: one of [`tags`].
    pub(super) tag: &'static str,
    /// In a few words.
    pub(super) summary: &'static str,
    /// In a sentence or two.
    pub(super) text: &'static str,
}

const TRANSACTIONS: &str = "transactions";
const UPLOADS: &str = "uploads";
const RECEIVERS: &str = "receivers";
const QUEUE: &str = "queue";
const AGENT: &str = "agent";

/// The groups of operations.
pub(super) fn tags() -> [Tag; 5] {
    [
        (
            TRANSACTIONS,
            "Send messages, and follow what happens to them.",
        ),
        (UPLOADS, "Upload a message, or parts of it."),
        (RECEIVERS, "Only receivers of mail offer these."),
        (
            QUEUE,
            "The queue, for operators: a token needs the role `operate`.",
        ),
        (AGENT, "About the agent itself; no token is needed."),
    ]
    .map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
}

pub(super) const CREATE: About = About {
    id: "createTransaction",
    tag: TRANSACTIONS,
    summary: "Creates a transaction",
    text: "The answer says what is to be uploaded, and where. If the message is already complete, delivery begins at once.",
};
pub(super) const LIST: About = About {
    id: "listTransactions",
    tag: TRANSACTIONS,
    summary: "Lists transactions",
    text: "Those of one sender, newest first, a page at a time.",
};
pub(super) const CREATE_MESSAGE: About = About {
    id: "createMessage",
    tag: TRANSACTIONS,
    summary: "Sends a message",
    text: "In the flat form: the envelope is derived from the addresses. A transaction is created for each recipient; either all of them are created, or none.",
};
pub(super) const CREATE_MESSAGES: About = About {
    id: "createMessages",
    tag: TRANSACTIONS,
    summary: "Sends many messages",
    text: "The messages are independent: an error in one does not affect the others. With an Idempotency-Key, the key of each message is derived from that key and the message's position.",
};
pub(super) const READ_WHOLE: About = About {
    id: "readWholeMessage",
    tag: TRANSACTIONS,
    summary: "Reads a message with all of its transactions",
    text: "At once, or as soon as something has changed.",
};
pub(super) const CANCEL_WHOLE: About = About {
    id: "cancelMessage",
    tag: TRANSACTIONS,
    summary: "Cancels a message",
    text: "No further attempt is made for any recipient. It has no effect on recipients whose outcome is final.",
};
pub(super) const READ: About = About {
    id: "readTransaction",
    tag: TRANSACTIONS,
    summary: "Reads a transaction",
    text: "At once, or as soon as something has changed.",
};
pub(super) const EVENTS: About = About {
    id: "readEvents",
    tag: TRANSACTIONS,
    summary: "Reads events: changes of transactions",
    text: "The oldest first, a page at a time, as far back as events are kept. With `Accept: text/event-stream`, all events that are kept and all that follow, as server-sent events.",
};
pub(super) const APPEND: About = About {
    id: "appendToTransaction",
    tag: TRANSACTIONS,
    summary: "Adds to a transaction that is created step by step",
    text: "For what an SMTP client says bit by bit. Without content, it only shows that the client is still there.",
};
pub(super) const CANCEL: About = About {
    id: "cancelTransaction",
    tag: TRANSACTIONS,
    summary: "Cancels a transaction",
    text: "No further attempt is made. It has no effect once the transaction is final.",
};
pub(super) const UPLOAD_BODY: About = About {
    id: "uploadBody",
    tag: UPLOADS,
    summary: "Uploads the RFC 5322 message, whole or in ranges",
    text: "For a transaction that was created without a body. Delivery can only finish when the message is complete.",
};
pub(super) const UPLOAD_BLOB: About = About {
    id: "uploadBlob",
    tag: UPLOADS,
    summary: "Uploads a part of the message, whole or in ranges",
    text: "One upload for each `create_id` in the message's description. The content is the decoded octets, not base64.",
};
pub(super) const LIST_QUEUE: About = About {
    id: "listQueue",
    tag: QUEUE,
    summary: "Lists the queue",
    text: "Transactions of all clients, newest first, a page at a time. Finished ones are only listed if `state` asks for them.",
};
pub(super) const SHOW_QUEUED: About = About {
    id: "showQueued",
    tag: QUEUE,
    summary: "Shows a transaction with each attempt",
    text: "What the hosts that were tried have said, when, and what comes next.",
};
pub(super) const READ_MESSAGE: About = About {
    id: "readMessage",
    tag: QUEUE,
    summary: "Reads the message of a transaction",
    text: "In the RFC 5322 format, as long as it is kept.",
};
pub(super) const LIST_DESTINATIONS: About = About {
    id: "listDestinations",
    tag: QUEUE,
    summary: "Lists destinations",
    text: "Suspended ones first, then those with the most queued transactions.",
};
pub(super) const SHOW_DESTINATION: About = About {
    id: "showDestination",
    tag: QUEUE,
    summary: "Shows a destination",
    text: "What is queued for it, its last reply, and whether attempts are made.",
};
pub(super) const LIST_SUPPRESSIONS: About = About {
    id: "listSuppressions",
    tag: QUEUE,
    summary: "Lists suppressed addresses: those to which a sender sends nothing",
    text: "Sorted by address, a page at a time.",
};
pub(super) const SHOW_SUPPRESSION: About = About {
    id: "showSuppression",
    tag: QUEUE,
    summary: "Shows why an address is suppressed",
    text: "Since when, until when, and the reason.",
};
pub(super) const KEEP_SUPPRESSION: About = About {
    id: "keepSuppression",
    tag: QUEUE,
    summary: "Suppresses an address: nothing is sent to it",
    text: "From now on, for as long as the sender's configuration says.",
};
pub(super) const REMOVE_SUPPRESSION: About = About {
    id: "removeSuppression",
    tag: QUEUE,
    summary: "Ends the suppression of an address",
    text: "It is sent to again, until it is found to be bad again.",
};
pub(super) const LIST_WEBHOOKS: About = About {
    id: "listWebhooks",
    tag: QUEUE,
    summary: "Lists the webhooks that get events",
    text: "Whether each accepts its events, and since when it does not.",
};
pub(super) const SHOW_WEBHOOK: About = About {
    id: "showWebhook",
    tag: QUEUE,
    summary: "Shows a webhook",
    text: "A name that is a URL must be percent-encoded.",
};
/// What can be done to webhooks that do not accept events.
pub(super) const WEBHOOK_CHANGES: [(&str, About); 2] = [
    (
        "retry",
        About {
            id: "retryWebhook",
            tag: QUEUE,
            summary: "Calls a webhook now",
            text: "With the events that it has not accepted; also if it was given up.",
        },
    ),
    (
        "skip",
        About {
            id: "skipWebhookEvents",
            tag: QUEUE,
            summary: "Skips the events that a webhook does not accept",
            text: "It goes on with the events after them.",
        },
    ),
];
/// What can be done to destinations.
pub(super) const DESTINATION_CHANGES: [(&str, About); 3] = [
    (
        "suspend",
        change(
            "suspendDestination",
            "Stops attempts for a destination",
            "No attempt is made until it is resumed, even after a restart; a running attempt goes on. Clients that wait for a reply get a transient refusal.",
        ),
    ),
    (
        "resume",
        change(
            "resumeDestination",
            "Resumes attempts for a destination",
            "What is queued for it is attempted now.",
        ),
    ),
    (
        "retry",
        change(
            "retryDestination",
            "Attempts everything for a destination now",
            "Its hosts are tried even if they are known not to answer.",
        ),
    ),
];
/// What can be done to transactions of the queue: the action, its text for one transaction, and for many.
pub(super) const CHANGES: [(&str, About, About); 5] = [
    (
        "retry",
        change("retryQueued", "Attempts a transaction now", RETRY),
        change("retryQueue", "Attempts many transactions now", RETRY),
    ),
    (
        "hold",
        change("holdQueued", "Holds a transaction back", HOLD),
        change("holdQueue", "Holds many transactions back", HOLD),
    ),
    (
        "release",
        change("releaseQueued", "Releases a transaction", RELEASE),
        change("releaseQueue", "Releases many transactions", RELEASE),
    ),
    (
        "cancel",
        change("cancelQueued", "Cancels a transaction", CANCEL_QUEUED),
        change("cancelQueue", "Cancels many transactions", CANCEL_QUEUED),
    ),
    (
        "bounce",
        change("bounceQueued", "Bounces a transaction", BOUNCE),
        change("bounceQueue", "Bounces many transactions", BOUNCE),
    ),
];

const RETRY: &str =
    "Without waiting until the next attempt is due. The attempts that were made still count.";
const HOLD: &str = "No attempt is made until it is released; a running attempt goes on.";
const RELEASE: &str = "A held transaction is attempted now; one that waits for its `send_at` is attempted at that time.";
const CANCEL_QUEUED: &str = "No further attempt is made, and nobody is notified.";
const BOUNCE: &str =
    "No further attempt is made, and the sender is notified if a notification was promised.";

const fn change(id: &'static str, summary: &'static str, text: &'static str) -> About {
    About {
        id,
        tag: QUEUE,
        summary,
        text,
    }
}

pub(super) const EXPLAIN: About = About {
    id: "explain",
    tag: QUEUE,
    summary: "Explains what would happen to a message",
    text: "Nothing is sent or kept: only the DNS is asked. The chains are built anew, so the agent's counters for rates are not used.",
};

pub(super) const POST_PARSED: About = parsed("postParsedMessage");
pub(super) const PUT_PARSED: About = parsed("putParsedMessage");
pub(super) const OPENAPI: About = of_agent(
    "openapi",
    "This document",
    "The OpenAPI description of the API, as this agent offers it.",
);
pub(super) const HEALTHZ: About = of_agent(
    "healthz",
    "Shows that the agent is alive",
    "It is answered as long as the agent answers at all.",
);
pub(super) const READYZ: About = of_agent(
    "readyz",
    "Shows whether the agent takes mail",
    "It does not while it stops, or while its storage does not answer.",
);

pub(super) const METRICS: About = of_agent("metrics", "Metrics", "In Prometheus' text format.");

const fn parsed(id: &'static str) -> About {
    About {
        id,
        tag: RECEIVERS,
        summary: "Gives a receiver the parsed message",
        text: "Only receivers offer this, and only if the transaction has a `uri` for it.",
    }
}

const fn of_agent(id: &'static str, summary: &'static str, text: &'static str) -> About {
    About {
        id,
        tag: AGENT,
        summary,
        text,
    }
}
