//! The names of tables and columns.

use sea_query::Iden;

/// Makes an enum of identifiers.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(super) enum $name { $($variant,)* }

            impl Iden for $name {
                fn unquoted(&self) -> &str {
                    match self { $(Self::$variant => $text,)* }
                }
            }
        )*
    };
}

names! {
    /// Attempts. A trigger removes them with their transaction.
    Attempts {
        Table = "attempts",
        TransactionId = "transaction_id",
        Number = "number",
        Started = "started",
        Ended = "ended",
        Host = "host",
        Address = "address",
        Outcome = "outcome",
        Conversation = "conversation",
    }

    /// Message bodies.
    Blobs {
        Table = "blobs",
        Id = "id",
        Len = "len",
        IsFinished = "is_finished",
        Created = "created",
    }

    /// The octets of blobs.
    Chunks {
        Table = "chunks",
        BlobId = "blob_id",
        Start = "start",
        Octets = "octets",
    }

    /// Changes of transactions.
    Events {
        Table = "events",
        At = "at",
        TransactionId = "transaction_id",
        Sender = "sender",
        Kind = "kind",
        Details = "details",
    }

    /// Parts of compositions. A trigger removes them with their transaction.
    Parts {
        Table = "parts",
        TransactionId = "transaction_id",
        Position = "position",
        Name = "name",
        BlobId = "blob_id",
        Len = "len",
    }

    /// Finished transactions that were never committed.
    Summaries {
        Table = "summaries",
        Id = "id",
        Created = "created",
        Sender = "sender",
        Context = "context",
        Mail = "mail",
        Recipients = "recipients",
        AttemptCount = "attempt_count",
        LastAttempt = "last_attempt",
        FinalReason = "final_reason",
        FinalSince = "final_since",
        Destination = "destination",
        ReversePath = "reverse_path",
        ForwardPaths = "forward_paths",
        LastReply = "last_reply",
        Conversation = "conversation",
    }

    /// Mail transactions. A final one has a final reason; any other has a due time and work.
    Transactions {
        Table = "transactions",
        Id = "id",
        Created = "created",
        Sender = "sender",
        IdempotencyKey = "idempotency_key",
        RequestDigest = "request_digest",
        Context = "context",
        Mail = "mail",
        Recipients = "recipients",
        Prefix = "prefix",
        BlobId = "blob_id",
        BodyLen = "body_len",
        BodyKind = "body_kind",
        Retry = "retry",
        Notify = "notify",
        AttemptCount = "attempt_count",
        Attempted = "attempted",
        LastReply = "last_reply",
        CrashCount = "crash_count",
        DueAt = "due_at",
        Work = "work",
        FinalReason = "final_reason",
        FinalSince = "final_since",
        LeaseSession = "lease_session",
        LeaseFence = "lease_fence",
        Destination = "destination",
        MessageKey = "message_key",
        ReversePath = "reverse_path",
        ForwardPaths = "forward_paths",
        Held = "held",
        Host = "host",
        SendAt = "send_at",
    }
}
