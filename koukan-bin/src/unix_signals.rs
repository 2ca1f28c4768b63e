//! SIGTERM and SIGINT.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// A signal this soon after the first one belongs to the same request: a terminal or service
/// manager signals all processes of a group, and a parent signals its children again.
const SAME: Duration = Duration::from_secs(1);

/// The signals that ask the process to stop. They are caught from when this is made, and then end
/// the process in good order, however soon they come.
pub(crate) struct StopSignals(Option<Signals>);

impl StopSignals {
    pub(crate) fn catch() -> Self {
        let signals = || {
            io::Result::Ok(Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        };
        // Without handlers the signals end the process in their default way.
        Self(signals().ok())
    }

    /// Waits for the first signal; after that, another request ends the process at once.
    ///
    /// Cancel safe: if this future is dropped, the next call still sees the signal.
    pub(crate) async fn requested(&mut self) {
        let Some(signals) = &mut self.0 else {
            return std::future::pending().await;
        };
        poll_fn(|cx| signals.poll(cx)).await;
        let Some(mut signals) = self.0.take() else {
            return;
        };
        // Not supervised: it only waits for signals, and ends with the process.
        tokio::spawn(async move {
            another_request(|cx| signals.poll(cx)).await;
            tracing::warn!("stopped at once by a second signal");
            crate::logging::flush();
            std::process::exit(1);
        });
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Ready when one of the signals has come.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let terminate = self.terminate.poll_recv(cx);
        let interrupt = self.interrupt.poll_recv(cx);
        if terminate.is_ready() || interrupt.is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// Waits for a signal that is not part of the first request.
async fn another_request(mut poll: impl FnMut(&mut Context<'_>) -> Poll<()>) {
    let first = Instant::now();
    loop {
        poll_fn(&mut poll).await;
        if first.elapsed() >= SAME {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        sync::mpsc,
        time::{sleep, sleep_until},
    };

    use super::*;

    /// When the process ends, if signals come at these times after the first, in milliseconds.
    async fn ends_at(times: &'static [u64]) -> Option<u64> {
        let begun = Instant::now();
        let (sender, mut signals) = mpsc::channel(8);
        let send = async move {
            for time in times {
                sleep_until(begun + Duration::from_millis(*time)).await;
                sender.send(()).await.unwrap();
            }
            sleep(Duration::from_secs(60)).await;
        };
        let another = another_request(|cx| signals.poll_recv(cx).map(|_| ()));
        tokio::select! {
            () = another => Some(u64::try_from(begun.elapsed().as_millis()).unwrap()),
            () = send => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn signals_within_a_second_are_one() {
        for (times, end) in [
            (&[][..], None),
            (&[0, 1, 500, 999], None),
            (&[0, 999, 1000], Some(1000)),
            (&[1500], Some(1500)),
            (&[30_000], Some(30_000)),
        ] {
            assert_eq!(ends_at(times).await, end, "{times:?}");
        }
    }
}
