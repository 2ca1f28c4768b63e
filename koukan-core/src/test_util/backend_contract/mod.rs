//! The contract of [`Backend`], executable: one function for each property.
//!
//! To test a backend, write a [`BackendFixture`] for it and run all properties, either as one test
//! each with [`backend_contract_tests!`](crate::backend_contract_tests) or together with
//! [`run_all`]. A property that does not hold panics.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use koukan_core::{
//!     storage::{Backend, MemoryBackend},
//!     test_util::backend_contract::{self, BackendFixture},
//! };
//!
//! struct Memory(MemoryBackend);
//!
//! #[async_trait]
//! impl BackendFixture for Memory {
//!     async fn open(&self) -> Arc<dyn Backend> {
//!         Arc::new(self.0.another_process())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! backend_contract::run_all(async || Memory(MemoryBackend::new())).await;
//! # });
//! ```
#![allow(clippy::unwrap_used, reason = "a property that does not hold panics")]

mod attempts;
mod bans;
mod blobs;
mod bodies;
mod changes;
mod companions;
mod concurrency;
mod drafts;
mod events;
mod garbage;
mod kept;
mod keys;
mod leases;
mod lists;
mod parts;
mod replicas;
mod round_trip;
mod sample;
mod scheduled;
mod scheduling_keys;
mod searches;
mod sessions;
mod settlements;
mod suppressions;
mod suspensions;
mod takes;
mod together;

pub use self::{
    attempts::{
        keeps_conversations, keeps_each_attempt, keeps_no_attempt_without_the_lease,
        removes_attempts_with_their_transaction, replaces_the_attempts_of_a_draft,
    },
    bans::tells_what_others_suspend_and_suppress,
    blobs::{
        appends_where_the_blob_ends, finishes_a_blob_of_that_length, reads_across_chunk_borders,
        reads_small_blobs_together,
    },
    bodies::{
        checks_a_stored_body, shares_a_blob_among_transactions, shares_a_blob_inserted_at_once,
    },
    changes::{
        counts_recipients_of_changes, holds_until_it_is_released, holds_what_is_under_lease,
        retries_what_waits, selects_what_waits_for_a_destination,
    },
    companions::{
        leases_companions, leases_notifications_about_a_message, leaves_suspects_alone,
        settles_a_thousand_together,
    },
    concurrency::{
        appends_at_one_offset_only_once, keeps_all_of_many_concurrent_inserts,
        never_leases_one_transaction_twice, writes_what_can_be_written,
    },
    drafts::{
        completes_a_draft, completes_a_draft_only_once, completes_or_abandons,
        completes_under_lease, keeps_a_draft_that_could_not_be_completed,
        refuses_to_complete_an_abandoned_draft, refuses_to_complete_what_is_no_draft,
    },
    events::{
        collects_events, keeps_cursors, keeps_events_of_holds, keeps_events_of_what_is_committed,
        keeps_events_of_what_is_written_alone, reads_events_by_pages,
    },
    garbage::{
        collects_blobs_that_nothing_refers_to, collects_in_bounded_portions,
        collects_what_has_been_final_long_enough, keeps_a_blob_while_one_refers_to_it,
    },
    kept::{
        keeps_nothing_for_a_dead_session, settles_one_of_many_with_new_transactions,
        settles_with_new_transactions, settles_with_new_transactions_or_not_at_all,
    },
    keys::{
        inserts_one_of_many_with_one_key, leaves_the_key_of_a_failed_insert,
        refuses_a_key_of_another_request, refuses_a_notification_with_a_repeated_key,
        refuses_a_repeated_key,
    },
    leases::{
        leases_in_the_order_of_due_times, leases_no_more_than_asked, releases_a_lease,
        tells_when_the_next_is_due,
    },
    lists::{lists_by_state, lists_newest_first_by_pages},
    parts::{
        checks_stored_parts, finds_the_parts_of_a_composition, keeps_a_part_while_one_refers_to_it,
        removes_parts_with_their_transaction, replaces_the_parts_of_a_draft,
    },
    replicas::{
        ReplicaFixture, commits_one_of_several_with_one_key, ends_a_session,
        gives_nothing_to_a_dead_session, goes_by_its_own_clock, keeps_a_session_that_is_refreshed,
        lets_one_session_read_under_a_name, takes_over_from_a_silent_session,
        tells_addresses_of_sessions_that_live, tells_how_many_live, tells_what_is_to_be_cancelled,
    },
    round_trip::{
        counts_by_what_is_to_happen, finds_a_summary_without_a_body, finds_nothing_unknown,
        finds_summaries_that_were_written_together, finds_what_was_inserted,
        keeps_what_was_acknowledged, refuses_an_identity_twice,
    },
    scheduled::{keeps_when_it_is_sent, leaves_the_time_at_which_it_is_sent},
    scheduling_keys::{leases_for_one_destination, passes_over_some_destinations},
    searches::{finds_what_is_looked_for, finds_words_of_the_last_reply},
    sessions::{
        answers_a_probe, backs_off_after_crashes, brings_forward_what_is_due,
        forgets_crashes_after_an_attempt, frees_leases_of_dead_sessions, inserts_under_lease,
        notes_a_clock_that_was_set_back, tells_suspects_from_others,
    },
    settlements::{
        refuses_a_settlement_without_the_lease, settles_by_the_lease_that_is_held,
        settles_for_good, settles_for_later, settles_wholly_or_not_at_all,
        settles_with_a_notification,
    },
    suppressions::{
        collects_all_that_is_suppressed_no_longer, keeps_suppressions, suppresses_with_attempts,
    },
    suspensions::{counts_by_destination, keeps_suspensions, leaves_what_is_suspended},
    takes::{
        fences_leases_by_identity, leases_by_identity, leases_for_that_work_only,
        leases_to_one_only,
    },
    together::{
        commits_all_or_none, commits_nothing_twice, commits_several_together, settles_all_or_none,
    },
};

use std::sync::Arc;

use async_trait::async_trait;

use crate::storage::Backend;

/// Makes the backend under test, and plays the processes that use it.
#[async_trait]
pub trait BackendFixture: Send + Sync {
    /// Opens the store as a new process does.
    ///
    /// The first time the store is empty. Later it contains what was written through the backends
    /// opened before, whose processes were killed: the suite has dropped them and continues as if
    /// their sessions were dead.
    async fn open(&self) -> Arc<dyn Backend>;
}

/// Runs every property, each on a fixture of its own.
///
/// # Panics
///
/// If a property does not hold.
pub async fn run_all<F: BackendFixture>(make: impl AsyncFn() -> F) {
    crate::backend_contract_tests!(@properties run make);
}

/// Makes a `#[tokio::test]` of each property of a backend that several processes share, in addition
/// to [`backend_contract_tests!`](crate::backend_contract_tests).
///
/// Takes the path of an async function without arguments that makes a
/// [`ReplicaFixture`](crate::test_util::backend_contract::ReplicaFixture).
#[macro_export]
macro_rules! replica_contract_tests {
    ($make:path) => {
        $crate::backend_contract_tests! {
            @tests $make;
            keeps_a_session_that_is_refreshed,
            takes_over_from_a_silent_session,
            gives_nothing_to_a_dead_session,
            keeps_nothing_for_a_dead_session,
            ends_a_session,
            tells_what_is_to_be_cancelled,
            tells_addresses_of_sessions_that_live,
            tells_how_many_live,
            lets_one_session_read_under_a_name,
            goes_by_its_own_clock,
            commits_one_of_several_with_one_key,
            tells_what_others_suspend_and_suppress,
        }
    };
}

/// Makes a `#[tokio::test]` of each property of the
/// [backend contract](crate::test_util::backend_contract).
///
/// Takes the path of an async function without arguments that makes a
/// [`BackendFixture`](crate::test_util::backend_contract::BackendFixture). The crate that uses it
/// needs tokio with the features `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! backend_contract_tests {
    ($make:path) => {
        $crate::backend_contract_tests!(@properties tests $make);
    };
    (@properties $what:ident $make:path) => {
        $crate::backend_contract_tests! {
            @$what $make;
            finds_what_was_inserted,
            finds_nothing_unknown,
            finds_a_summary_without_a_body,
            finds_summaries_that_were_written_together,
            refuses_an_identity_twice,
            keeps_what_was_acknowledged,
            counts_by_what_is_to_happen,
            shares_a_blob_among_transactions,
            shares_a_blob_inserted_at_once,
            checks_a_stored_body,
            appends_where_the_blob_ends,
            finishes_a_blob_of_that_length,
            reads_across_chunk_borders,
            reads_small_blobs_together,
            leases_in_the_order_of_due_times,
            leases_no_more_than_asked,
            releases_a_lease,
            tells_when_the_next_is_due,
            settles_for_good,
            settles_for_later,
            settles_with_a_notification,
            settles_wholly_or_not_at_all,
            refuses_a_settlement_without_the_lease,
            settles_by_the_lease_that_is_held,
            settles_with_new_transactions,
            settles_with_new_transactions_or_not_at_all,
            settles_one_of_many_with_new_transactions,
            inserts_under_lease,
            frees_leases_of_dead_sessions,
            backs_off_after_crashes,
            forgets_crashes_after_an_attempt,
            tells_suspects_from_others,
            brings_forward_what_is_due,
            notes_a_clock_that_was_set_back,
            answers_a_probe,
            collects_what_has_been_final_long_enough,
            collects_blobs_that_nothing_refers_to,
            keeps_a_blob_while_one_refers_to_it,
            collects_in_bounded_portions,
            keeps_all_of_many_concurrent_inserts,
            writes_what_can_be_written,
            never_leases_one_transaction_twice,
            appends_at_one_offset_only_once,
            completes_a_draft,
            completes_under_lease,
            refuses_to_complete_what_is_no_draft,
            refuses_to_complete_an_abandoned_draft,
            keeps_a_draft_that_could_not_be_completed,
            completes_a_draft_only_once,
            passes_over_some_destinations,
            leases_for_one_destination,
            completes_or_abandons,
            finds_the_parts_of_a_composition,
            checks_stored_parts,
            keeps_a_part_while_one_refers_to_it,
            replaces_the_parts_of_a_draft,
            removes_parts_with_their_transaction,
            refuses_a_repeated_key,
            refuses_a_key_of_another_request,
            inserts_one_of_many_with_one_key,
            leaves_the_key_of_a_failed_insert,
            refuses_a_notification_with_a_repeated_key,
            lists_newest_first_by_pages,
            lists_by_state,
            leases_by_identity,
            fences_leases_by_identity,
            leases_to_one_only,
            leases_for_that_work_only,
            commits_several_together,
            settles_all_or_none,
            commits_all_or_none,
            commits_nothing_twice,
            keeps_each_attempt,
            keeps_conversations,
            collects_all_that_is_suppressed_no_longer,
            keeps_suppressions,
            suppresses_with_attempts,
            keeps_no_attempt_without_the_lease,
            removes_attempts_with_their_transaction,
            replaces_the_attempts_of_a_draft,
            finds_what_is_looked_for,
            finds_words_of_the_last_reply,
            retries_what_waits,
            selects_what_waits_for_a_destination,
            counts_recipients_of_changes,
            holds_until_it_is_released,
            holds_what_is_under_lease,
            keeps_when_it_is_sent,
            leaves_the_time_at_which_it_is_sent,
            leases_companions,
            leases_notifications_about_a_message,
            settles_a_thousand_together,
            leaves_suspects_alone,
            leaves_what_is_suspended,
            keeps_suspensions,
            counts_by_destination,
            keeps_events_of_what_is_committed,
            keeps_events_of_what_is_written_alone,
            keeps_events_of_holds,
            reads_events_by_pages,
            collects_events,
            keeps_cursors,
        }
    };
    (@tests $make:path; $($property:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $property() {
                $crate::test_util::backend_contract::$property(&$make().await).await;
            }
        )*
    };
    (@run $make:path; $($property:ident,)*) => {
        $( $property(&$make().await).await; )*
    };
}
