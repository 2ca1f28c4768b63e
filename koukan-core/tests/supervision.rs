//! Long-lived parts that end or panic.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use koukan_core::supervision::{GivenUp, Loss, Restarts, contain, supervise};
use tokio::time::{Instant, sleep};

/// Starts a part that is lost in each of the first runs, after its own time and in its own way, and
/// then stays. Returns how it ended, the notices, and when it was started, in seconds.
async fn supervised(
    restarts: Restarts,
    stop: Duration,
    runs: &[(u64, Loss)],
) -> (Result<(), GivenUp>, Vec<Option<Loss>>, Vec<u64>) {
    let begun = Instant::now();
    let told = RefCell::new(Vec::new());
    let starts = RefCell::new(Vec::new());
    let notice = |loss: Option<&Loss>| told.borrow_mut().push(loss.cloned());
    let next = Cell::new(0);
    let start = || {
        starts.borrow_mut().push(begun.elapsed().as_secs());
        let run = runs.get(next.replace(next.get() + 1)).cloned();
        async move {
            match run {
                None => sleep(stop - begun.elapsed()).await,
                Some((seconds, loss)) => {
                    sleep(Duration::from_secs(seconds)).await;
                    if let Loss::Panicked(message) = loss {
                        panic!("{message}");
                    }
                }
            }
        }
    };
    let ended = supervise("the part", restarts, sleep(stop), notice, start).await;
    (ended, told.take(), starts.take())
}

fn panicked() -> Loss {
    Loss::Panicked("no luck".into())
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_lost_is_started_anew_after_ever_longer_pauses() {
    let stop = Duration::from_secs(600);
    let runs = [(0, panicked()), (0, Loss::Ended), (0, panicked())];
    let (ended, told, starts) = supervised(Restarts::default(), stop, &runs).await;
    assert_eq!(ended, Ok(()));
    let [first, second, third] = runs.map(|(_, loss)| Some(loss));
    assert_eq!(told, [first, None, second, None, third, None]);
    assert_eq!(starts, [0, 1, 3, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_stay_is_given_up() {
    let stop = Duration::from_secs(600);
    let runs = vec![(0, panicked()); 9];
    let (ended, told, starts) = supervised(Restarts::default(), stop, &runs).await;
    let given_up = ended.unwrap_err();
    assert_eq!((&*given_up.part, given_up.restarts), ("the part", 5));
    assert_eq!(given_up.loss, panicked());
    assert_eq!(starts, [0, 1, 3, 7, 15, 25]);
    assert_eq!(told.last(), Some(&Some(panicked())));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_steady_has_all_its_restarts_again() {
    let stop = Duration::from_secs(6000);
    let runs = vec![(60, Loss::Ended); 20];
    let (ended, _, starts) = supervised(Restarts::default(), stop, &runs).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(starts.len(), 21);
    assert_eq!(starts[20], 20 * 61);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_be_started_anew_is_given_up_at_once() {
    let stop = Duration::from_secs(600);
    let runs = [(3, Loss::Ended)];
    let (ended, _, starts) = supervised(Restarts::NEVER, stop, &runs).await;
    let given_up = ended.unwrap_err();
    assert_eq!((given_up.loss, given_up.restarts), (Loss::Ended, 0));
    assert_eq!(starts, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_pause_too() {
    let begun = Instant::now();
    let stop = Duration::from_millis(1500);
    let runs = vec![(0, panicked()); 9];
    let (ended, told, starts) = supervised(Restarts::default(), stop, &runs).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(begun.elapsed(), stop);
    assert_eq!(starts, [0, 1]);
    assert_eq!(told, [Some(panicked()), None, Some(panicked())]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_even_begin_is_lost_too() {
    let begins = Cell::new(0);
    let start = || {
        begins.set(begins.get() + 1);
        assert!(begins.get() > 2, "not yet");
        sleep(Duration::from_secs(5))
    };
    let stop = sleep(Duration::from_secs(8));
    let ended = supervise("the part", Restarts::default(), stop, |_| {}, start).await;
    assert_eq!((ended, begins.get()), (Ok(()), 3));
}

#[tokio::test]
async fn a_panic_is_a_value() {
    let number = 7;
    let plain: fn(u8) = |_| panic!("plain");
    let with_number: fn(u8) = |number| panic!("{number}");
    let of_another_type: fn(u8) = |_| std::panic::panic_any(3);
    for (run, message) in [
        (plain, "plain"),
        (with_number, "7"),
        (of_another_type, "without a message"),
    ] {
        let loss = contain(async { run(number) }).await;
        assert_eq!(loss, Err(Loss::Panicked(message.into())));
    }
    assert_eq!(contain(async { number }).await, Ok(7));
}
