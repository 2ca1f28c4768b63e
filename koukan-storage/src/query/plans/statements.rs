//! The PostgreSQL statements whose time must not grow with the queue.

use crate::query::{
    ADD_ATTEMPT, ADD_ATTEMPTS, ADDED, ADDRESS_OF, BOUND_EVENTS, COUNT_DESTINATION, DATE_FINISHED,
    DELETE_BLOB, DELETE_CHUNKS, DELETE_EVENTS, DELETE_FINISHED, DELETE_SUMMARIES, DEPTH,
    EXTEND_BLOB, FIND_BLOB, FIND_CHANGED, FIND_DRAFT, FIND_FORGOTTEN_LEASES, FIND_KEYED,
    FIND_LEASES, FIND_ORPHANS, FIND_SUMMARY, FIND_TRANSACTION, FINISH_BLOB, FREE_LEASES, GIVE_BACK,
    HOLD, HOLDER, HOLDS_LEASE, JUDGE, LEASE, LEASE_COMPANIONS, LEASE_DUE, LEASE_FOR,
    LEASE_NOTIFICATIONS, LEASE_SUSPECTS, LIST_ATTEMPTS, LIST_EVENTS, LOCK_BLOBS, NEXT_DUE,
    NEXT_SUSPECT, PARK, POSTPONE_LEASES, READ_BLOB, READ_SMALL_BLOBS, RELEASE, RELEASE_HELD,
    REQUEST_CANCEL, RETRY, SETTLE, SETTLE_TOGETHER, SETTLED, SUMMARY_CONVERSATION, Statement,
    TO_CANCEL, Values,
};

const ID: &str = "00000000000000000000009001";
/// A due time.
pub(super) const TIME: i64 = 15_000;

macro_rules! values {
    ($($value:expr),*) => {{
        #[allow(unused_mut, reason = "some bind nothing")]
        let mut values = Values::default();
        $(values.add($value);)*
        values
    }};
}
pub(super) use values;

/// The values of a single row, as columns.
fn columns(width: usize, row: Values) -> Values {
    let mut values = Values::default();
    values.add_columns(width, row);
    values
}

/// The values that [`SETTLE`] binds.
fn settled() -> Values {
    let reason = None::<&str>;
    let since = None::<i64>;
    values!(
        "[]", 1_i64, TIME, "450", TIME, "attempt", reason, since, true, ID, "session1", 1_i64
    )
}

/// The values that [`ADD_ATTEMPT`] binds.
fn attempted() -> Values {
    let none = || None::<&str>;
    values!(TIME, TIME, none(), none(), "{}", none(), ID)
}

/// The statements whose time must not grow with the queue, with their values and the index that they must use.
pub(super) fn statements() -> Vec<(&'static Statement, Values, &'static str)> {
    let ids = || vec![ID.to_owned(), "00000000000000000000009003".to_owned()];
    let none_of = || vec!["host1".to_owned(), "host2".to_owned()];
    let by_id = "transactions_pkey";
    vec![
        (
            &LEASE_DUE,
            values!("session1", TIME, none_of(), 9_i64),
            "transactions_waiting",
        ),
        (
            &LEASE_FOR,
            values!("session1", "host11", TIME, 9_i64),
            "transactions_for",
        ),
        (
            &LEASE_SUSPECTS,
            values!("session1", TIME, none_of(), 9_i64),
            "transactions_suspect",
        ),
        (
            &LEASE_COMPANIONS,
            values!("session1", "key7", "host7", TIME, 9_i64),
            "transactions_message",
        ),
        (
            &LEASE_NOTIFICATIONS,
            values!("session1", "key7", TIME, 9_i64),
            "transactions_message",
        ),
        (&LEASE, values!("session1", ID, "attempt", "attempt"), by_id),
        (&NEXT_DUE, values!(none_of()), "transactions_waiting"),
        (&NEXT_SUSPECT, values!(none_of()), "transactions_suspect"),
        (&DEPTH, values!(TIME, TIME), "transactions_waiting"),
        (&DEPTH, values!(TIME, TIME), "transactions_leased"),
        (&DEPTH, values!(TIME, TIME), "transactions_held"),
        (
            &COUNT_DESTINATION,
            values!(TIME, 9_i64, "host11"),
            "transactions_bound",
        ),
        (&SETTLE, settled(), by_id),
        (
            &SETTLE_TOGETHER,
            columns(SETTLED.len(), {
                let mut row = settled();
                row.add(0_i64);
                row
            }),
            by_id,
        ),
        (&ADD_ATTEMPT, attempted(), by_id),
        (&ADD_ATTEMPTS, columns(ADDED, attempted()), by_id),
        (&RELEASE, values!(ID, "session1", 1_i64), by_id),
        (&HOLDS_LEASE, values!(ID, ID, "session1", 1_i64), by_id),
        (&PARK, values!(TIME, ID), by_id),
        (&FIND_DRAFT, values!(ID, "sender1"), by_id),
        (&FIND_KEYED, values!("sender1", ID), "transactions_keyed"),
        (&FIND_TRANSACTION, values!(ID), by_id),
        (&FIND_TRANSACTION, values!(ID), "attempts_pkey"),
        (&FIND_SUMMARY, values!(ID), "summaries_pkey"),
        (&SUMMARY_CONVERSATION, values!(ID), "summaries_pkey"),
        (&LIST_ATTEMPTS, values!(ID), "attempts_pkey"),
        (&FIND_BLOB, values!(ID), "blobs_pkey"),
        (&EXTEND_BLOB, values!(9_i64, ID, 9_i64), "blobs_pkey"),
        (&FINISH_BLOB, values!(ID, 9_i64), "blobs_pkey"),
        (&READ_BLOB, values!(ID, 0_i64, 1_i64), "chunks_pkey"),
        (&READ_SMALL_BLOBS, values!(ids(), 9_i64), "chunks_pkey"),
        (&JUDGE, values!(ids()), by_id),
        (&RETRY, values!(TIME, ids()), by_id),
        (&HOLD, values!(TIME, ids()), by_id),
        (&RELEASE_HELD, values!(TIME, ids()), by_id),
        (&FIND_CHANGED, values!(ids()), by_id),
        (&REQUEST_CANCEL, values!(ID), by_id),
        (&TO_CANCEL, values!("session1"), "transactions_to_cancel"),
        (&HOLDER, values!(ID), by_id),
        (&ADDRESS_OF, values!("session1"), ""),
        (&GIVE_BACK, values!("session1"), "transactions_leased"),
        (&FIND_LEASES, values!(), "transactions_leased"),
        (&FIND_FORGOTTEN_LEASES, values!(), "transactions_leased"),
        (
            &FREE_LEASES,
            values!(TIME, "session1", 0_i64),
            "transactions_leased",
        ),
        (
            &POSTPONE_LEASES,
            values!(TIME, "session1", 0_i64),
            "transactions_leased",
        ),
        (
            &LIST_EVENTS,
            values!(
                9_000_i64,
                9_500_i64,
                None::<Vec<String>>,
                None::<Vec<String>>,
                100_i64
            ),
            "events_pkey",
        ),
        (&BOUND_EVENTS, values!(), "events_pkey"),
        (&DELETE_EVENTS, values!(500_i64, 19_000_i64), "events_pkey"),
        (&DATE_FINISHED, values!(TIME), "transactions_finished"),
        (
            &DELETE_FINISHED,
            values!(500_i64, 256_i64),
            "transactions_finished",
        ),
        (
            &DELETE_SUMMARIES,
            values!(500_i64, 256_i64),
            "summaries_finished",
        ),
        (
            &FIND_ORPHANS,
            values!(500_i64, 256_i64),
            "transactions_unfinished_blob",
        ),
        (&LOCK_BLOBS, values!(ids()), "blobs_pkey"),
        (&DELETE_BLOB, values!(ID), "blobs_pkey"),
        (&DELETE_BLOB, values!(ID), "transactions_unfinished_blob"),
        (&DELETE_CHUNKS, values!(ID), "chunks_pkey"),
    ]
}
