//! Every play ends well in every order that is tried.

use shuttle::{
    Config, MaxSteps, Runner,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

/// Where the orders begin, so that each run tries the same; `SHUTTLE_RANDOM_SEED` sets another.
const SEED: u64 = 2821;
/// Orders of each kind that are tried; `KOUKAN_ORDERS` sets another number.
const ORDERS: usize = 150;
/// Steps of one order at most: with more there is no end.
const STEPS: usize = 20_000;
/// How often the thread that goes first changes, in orders of the second kind.
const CHANGES: usize = 3;

fn try_out(play: fn()) {
    let orders = std::env::var("KOUKAN_ORDERS");
    let orders = orders.map_or(ORDERS, |orders| orders.parse().expect("a number"));
    run(RandomScheduler::new_from_seed(SEED, orders), play);
    run(PctScheduler::new_from_seed(SEED, CHANGES, orders), play);
}

fn run(scheduler: impl Scheduler + 'static, play: fn()) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    config.stack_size = 1 << 18;
    Runner::new(scheduler, config).run(play);
}

macro_rules! interleavings {
    ($($of:ident: $($play:ident)+;)+) => {$(
        mod $of {
            $(
                #[test]
                fn $play() {
                    super::try_out(koukan_interleavings::scenario::$of::$play);
                }
            )+
        }
    )+};
}

interleavings! {
    waking:
        a_wake_is_never_lost
        tasks_that_share_a_part_are_both_woken;
    pipe:
        all_arrives_before_the_end
        an_abort_is_heard
        a_consumer_that_leaves_is_noticed
        a_consumer_that_moved_is_woken;
    slot:
        an_answer_is_heard
        the_first_answer_counts
        a_dropped_slot_gets_the_final_reply;
    blob:
        readers_get_every_octet
        an_abort_is_heard
        what_was_read_is_not_taken_back
        a_blob_moves_under_its_readers
        a_blob_is_stored_once;
    departure:
        what_is_given_up_does_not_leave
        what_has_not_left_after_all_is_given_up;
    live:
        both_sides_hear_of_each_other
        a_reader_hears_of_the_last_change
        a_cancel_reaches_the_attempt
        an_attempt_that_moved_is_heard
        a_transaction_is_live_once;
    lease:
        a_delivery_during_the_commit_is_the_end
        a_lease_dropped_during_the_commit_is_given_back
        a_lease_stopped_during_the_commit_is_due
        a_cancel_during_the_commit_is_the_end
        a_cancel_that_the_attempt_hears_is_the_end
        a_drain_waits_for_what_is_held
        a_commit_is_heard_of_by_who_waits;
    pool:
        a_connection_is_passed_on
        the_limit_holds_whatever_becomes_of_connections
        a_reset_gives_the_permit_back
        nothing_is_kept_after_the_close;
}
