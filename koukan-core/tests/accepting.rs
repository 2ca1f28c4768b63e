//! Listeners that fail.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    convert::Infallible,
    future::{pending, ready},
    io,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use koukan_core::accepting::{accept_all, accept_waiting};
use tokio::time::{Instant, timeout};

/// Too many open files, in this process (EMFILE) and in the system (ENFILE).
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// A listener that returns the items of a list, and then waits.
struct Listener {
    left: RefCell<VecDeque<Result<u32, io::ErrorKind>>>,
    /// When it was polled.
    asked: RefCell<Vec<Duration>>,
    start: Instant,
}

impl Listener {
    fn new(left: impl Into<VecDeque<Result<u32, io::ErrorKind>>>) -> Self {
        Self {
            left: RefCell::new(left.into()),
            asked: RefCell::default(),
            start: Instant::now(),
        }
    }

    fn accept(&self) -> BoxFuture<'static, io::Result<u32>> {
        self.asked.borrow_mut().push(self.start.elapsed());
        match self.left.borrow_mut().pop_front() {
            Some(next) => ready(next.map_err(io::Error::from)).boxed(),
            None => pending().boxed(),
        }
    }

    /// What is accepted within that time, and when the listener was polled, in milliseconds.
    async fn accepted_within(&self, limit: Duration) -> (Vec<u32>, Vec<u128>) {
        let mut accepted = Vec::new();
        let all = accept_all(|| self.accept(), |connection| accepted.push(connection));
        let ended: Result<Infallible, _> = timeout(limit, all).await;
        assert!(ended.is_err());
        let asked = self.asked.borrow();
        (accepted, asked.iter().map(Duration::as_millis).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn without_descriptors_it_waits_longer_and_longer_and_goes_on_when_there_are_some() {
    for code in NO_DESCRIPTORS {
        let start = Instant::now();
        let free_again = start + Duration::from_secs(60);
        let asked = &Cell::new(0);
        let mut accepted = Vec::new();
        let accept = || {
            asked.set(asked.get() + 1);
            let is_free = Instant::now() >= free_again;
            async move {
                match is_free {
                    true if asked.get() > 1000 => pending().await,
                    true => Ok(asked.get()),
                    false => Err(io::Error::from_raw_os_error(code)),
                }
            }
        };
        let all = accept_all(accept, |_| accepted.push(start.elapsed()));
        let ended = timeout(Duration::from_secs(70), all).await;
        assert!(ended.is_err());
        // 50, 100, … 800 ms, and then once a second.
        let tried = asked.get() - accepted.len();
        assert!((60..70).contains(&tried), "{tried} tries");
        let first = accepted[0];
        let late = first - Duration::from_secs(60);
        assert!(late <= Duration::from_secs(1), "{first:?}");
        assert!(accepted.iter().all(|time| *time == first), "no more pauses");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_accepted_makes_pauses_short_again() {
    let full = Err(io::ErrorKind::Other);
    let listener = Listener::new([full, full, full, Ok(1), full, Ok(2)]);
    let (accepted, asked) = listener.accepted_within(Duration::from_secs(9)).await;
    assert_eq!(accepted, [1, 2]);
    assert_eq!(asked, [0, 50, 150, 350, 350, 400, 400]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_went_away_holds_up_nobody() {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let gone = [
        ConnectionAborted,
        ConnectionReset,
        ConnectionRefused,
        Interrupted,
    ]
    .map(Err);
    let next: Vec<_> = gone.into_iter().chain([Ok(1)]).collect();
    let listener = Listener::new(next);
    let (accepted, asked) = listener.accepted_within(Duration::from_secs(9)).await;
    assert_eq!(accepted, [1]);
    assert_eq!(asked, [0; 6]);
}

/// Who waits is accepted, and the time that this takes.
async fn accepted_at_last(
    accept: impl FnMut() -> BoxFuture<'static, io::Result<u32>>,
) -> (Vec<u32>, Duration) {
    let (start, mut accepted) = (Instant::now(), Vec::new());
    accept_waiting(accept, |connection| accepted.push(connection)).await;
    (accepted, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_a_listener_is_closed_is_accepted() {
    let (gone, full) = (
        Err(io::ErrorKind::ConnectionAborted),
        Err(io::ErrorKind::Other),
    );
    let listener = Listener::new([Ok(1), gone, Ok(2), full, Ok(3)]);
    let (accepted, took) = accepted_at_last(|| listener.accept()).await;
    assert_eq!(accepted, [1, 2, 3]);
    // The pause, and a handshake's time.
    assert_eq!(took, Duration::from_millis(50 + 250));
}

#[tokio::test(start_paused = true)]
async fn many_who_wait_when_a_listener_is_closed_are_all_accepted() {
    // The runtime lets others take turns: a listener is not ready though clients wait.
    let mut asked = 0;
    let accept = || {
        asked += 1;
        match asked {
            ..=1500 if asked % 3 == 0 => async {
                tokio::task::yield_now().await;
                Ok(0)
            }
            .boxed(),
            ..=1500 => ready(Ok(0)).boxed(),
            _ => pending().boxed(),
        }
    };
    assert_eq!(accepted_at_last(accept).await.0.len(), 1500);
}

/// So many clients, so far apart.
fn clients(interval: Duration, max: u32) -> impl FnMut() -> BoxFuture<'static, io::Result<u32>> {
    let mut asked = 0;
    move || {
        asked += 1;
        let client = asked;
        match client <= max {
            true => async move {
                tokio::time::sleep(interval).await;
                Ok(client)
            }
            .boxed(),
            false => pending().boxed(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_that_are_under_way_are_waited_for_and_clients_without_end_are_not() {
    let slow = clients(Duration::from_millis(200), 2);
    assert_eq!(accepted_at_last(slow).await.0, [1, 2]);
    let many = clients(Duration::from_millis(10), u32::MAX);
    assert_eq!(accepted_at_last(many).await.1, Duration::from_secs(1));
    let late = clients(Duration::from_millis(300), 2);
    let none = (vec![], Duration::from_millis(250));
    assert_eq!(accepted_at_last(late).await, none);
}
