//! What each operation is for, in words.

use utoipa::openapi::{Tag, tag::TagBuilder};

/// An operation.
pub(super) struct About {
    /// Its name in generated clients.
    pub(super) id: &'static str,
    /// Whose it is: one of [`tags`].
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
        (TRANSACTIONS, "To send messages, and to hear of them."),
        (UPLOADS, "To upload a message, or parts of it."),
        (RECEIVERS, "What only receivers of mail are asked for."),
        (
            QUEUE,
            "The queue, for those who operate the agent: a token needs the role `operate`.",
        ),
        (AGENT, "About the agent itself; no token is needed."),
    ]
    .map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())
}

pub(super) const CREATE: About = About {
    id: "createTransaction",
    tag: TRANSACTIONS,
    summary: "Makes a transaction",
    text: "The answer says what is to be uploaded, and where. If the message is there already, delivery begins at once.",
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
    text: "In the flat form: the envelope follows from its addresses. There is a transaction for each recipient; all of them are made, or none.",
};
pub(super) const CREATE_MESSAGES: About = About {
    id: "createMessages",
    tag: TRANSACTIONS,
    summary: "Sends many messages",
    text: "Each is made by itself: what is wrong with one says nothing of the others. With an Idempotency-Key each has one of its own, which follows from that and its position.",
};
pub(super) const READ_WHOLE: About = About {
    id: "readWholeMessage",
    tag: TRANSACTIONS,
    summary: "Reads a message with all of its transactions",
    text: "At once, or as soon as there is something new.",
};
pub(super) const CANCEL_WHOLE: About = About {
    id: "cancelMessage",
    tag: TRANSACTIONS,
    summary: "Gives a message up",
    text: "Nothing more is tried then for any recipient. It is without effect for those that are final.",
};
pub(super) const READ: About = About {
    id: "readTransaction",
    tag: TRANSACTIONS,
    summary: "Reads a transaction",
    text: "At once, or as soon as there is something new.",
};
pub(super) const EVENTS: About = About {
    id: "readEvents",
    tag: TRANSACTIONS,
    summary: "Reads what has changed about transactions",
    text: "The oldest first, a page at a time, as far as events are kept. With `Accept: text/event-stream` all that is kept and all that comes, as server-sent events.",
};
pub(super) const APPEND: About = About {
    id: "appendToTransaction",
    tag: TRANSACTIONS,
    summary: "Adds to a transaction that is made step by step",
    text: "What an SMTP client says little by little. Without content it tells that the client is still there.",
};
pub(super) const CANCEL: About = About {
    id: "cancelTransaction",
    tag: TRANSACTIONS,
    summary: "Gives a transaction up",
    text: "Nothing more is tried then. It is without effect once the transaction is final.",
};
pub(super) const UPLOAD_BODY: About = About {
    id: "uploadBody",
    tag: UPLOADS,
    summary: "Uploads the RFC 5322 message, whole or in ranges",
    text: "For a transaction that was made without a body. Delivery ends only when the message is complete.",
};
pub(super) const UPLOAD_BLOB: About = About {
    id: "uploadBlob",
    tag: UPLOADS,
    summary: "Uploads a part of the message, whole or in ranges",
    text: "For each `create_id` of the message's description; as octets, that is, not encoded.",
};
pub(super) const LIST_QUEUE: About = About {
    id: "listQueue",
    tag: QUEUE,
    summary: "Lists the queue",
    text: "Whoever brought what is in it, newest first, a page at a time; what is over only where `state` asks for it.",
};
pub(super) const SHOW_QUEUED: About = About {
    id: "showQueued",
    tag: QUEUE,
    summary: "Shows a transaction with each attempt",
    text: "What the hosts said that were tried, when, and what comes next.",
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
    text: "Those that are suspended first, then those for which most is queued.",
};
pub(super) const SHOW_DESTINATION: About = About {
    id: "showDestination",
    tag: QUEUE,
    summary: "Shows a destination",
    text: "What is queued for it, what was said last, and whether attempts are made.",
};
pub(super) const LIST_SUPPRESSIONS: About = About {
    id: "listSuppressions",
    tag: QUEUE,
    summary: "Lists the addresses to which a sender sends nothing",
    text: "In their order, a page at a time.",
};
pub(super) const SHOW_SUPPRESSION: About = About {
    id: "showSuppression",
    tag: QUEUE,
    summary: "Shows why nothing is sent to an address",
    text: "Since when, until when, and what was said of it.",
};
pub(super) const KEEP_SUPPRESSION: About = About {
    id: "keepSuppression",
    tag: QUEUE,
    summary: "Has nothing sent to an address",
    text: "For as long as the sender's configuration says, from now on.",
};
pub(super) const REMOVE_SUPPRESSION: About = About {
    id: "removeSuppression",
    tag: QUEUE,
    summary: "Has an address sent to again",
    text: "Until it is found to be bad again.",
};
pub(super) const LIST_WEBHOOKS: About = About {
    id: "listWebhooks",
    tag: QUEUE,
    summary: "Lists the webhooks that are told of events",
    text: "Whether each takes what it is sent, and since when it does not.",
};
pub(super) const SHOW_WEBHOOK: About = About {
    id: "showWebhook",
    tag: QUEUE,
    summary: "Shows a webhook",
    text: "Its name is escaped where it is a URL.",
};
/// What can be done to webhooks that take nothing.
pub(super) const WEBHOOK_CHANGES: [(&str, About); 2] = [
    (
        "retry",
        About {
            id: "retryWebhook",
            tag: QUEUE,
            summary: "Has a webhook called now",
            text: "Also where it was given up, with the events that it has not taken.",
        },
    ),
    (
        "skip",
        About {
            id: "skipWebhookEvents",
            tag: QUEUE,
            summary: "Leaves out the events that a webhook does not take",
            text: "It goes on with those after them.",
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
            "No attempt is made until it is resumed, also after a restart; one that is under way goes on. Who waits for a reply is refused for a while.",
        ),
    ),
    (
        "resume",
        change(
            "resumeDestination",
            "Lets attempts for a destination go on",
            "What is queued for it is attempted now.",
        ),
    ),
    (
        "retry",
        change(
            "retryDestination",
            "Attempts all for a destination now",
            "Its hosts are tried also where they are known not to answer.",
        ),
    ),
];
/// What can be done to transactions of the queue: the action, what it is for one, and for many.
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
        change("cancelQueued", "Gives a transaction up", CANCEL_QUEUED),
        change("cancelQueue", "Gives many transactions up", CANCEL_QUEUED),
    ),
    (
        "bounce",
        change("bounceQueued", "Gives a transaction back", BOUNCE),
        change("bounceQueue", "Gives many transactions back", BOUNCE),
    ),
];

const RETRY: &str =
    "And not when the next attempt is due. The attempts that were made still count.";
const HOLD: &str = "No attempt is made until it is released; one that is under way goes on.";
const RELEASE: &str = "What was held is attempted now; what waits for the time at which it is to be sent, at that time.";
const CANCEL_QUEUED: &str = "Nothing more is tried, and nobody is told.";
const BOUNCE: &str = "Nothing more is tried, and the sender is notified, where that was promised.";

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
    summary: "Tells what would become of a message",
    text: "Nothing is sent or kept: only the DNS is asked. The chains are made anew, so that what the agent has counted for rates is not known.",
};

pub(super) const POST_PARSED: About = parsed("postParsedMessage");
pub(super) const PUT_PARSED: About = parsed("putParsedMessage");
pub(super) const OPENAPI: About = of_agent(
    "openapi",
    "This document",
    "The description of the API, as this agent has it.",
);
pub(super) const HEALTHZ: About = of_agent(
    "healthz",
    "Tells that the agent lives",
    "It is answered as long as the agent answers at all.",
);
pub(super) const READYZ: About = of_agent(
    "readyz",
    "Tells whether the agent takes mail",
    "Not while it stops, nor while its storage does not answer.",
);

pub(super) const METRICS: About = of_agent(
    "metrics",
    "What was counted and measured",
    "In the text format of Prometheus.",
);

const fn parsed(id: &'static str) -> About {
    About {
        id,
        tag: RECEIVERS,
        summary: "Gives a receiver the parsed message",
        text: "Only receivers take it: where the transaction has a `uri` for it.",
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
