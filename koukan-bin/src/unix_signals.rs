//! SIGTERM and SIGINT stop the process. SIGHUP, SIGUSR1 and SIGUSR2 change nothing.

use std::{
    fs,
    future::poll_fn,
    io::{self, IsTerminal},
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
///
/// SIGHUP, SIGUSR1 and SIGUSR2 are caught as well, since by default they end a process at once. Other servers take
/// them as an order to read their configuration or to open their log files again. Here they are only logged. SIGHUP
/// asks the process to stop only if its terminal has gone.
pub(crate) struct StopSignals(Option<Signals>);

impl StopSignals {
    pub(crate) fn catch() -> Self {
        // Read before it is caught.
        let has_terminal = io::stdin().is_terminal() && !is_hangup_ignored();
        let signals = || {
            io::Result::Ok(Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                orders: [
                    ("SIGHUP", signal(SignalKind::hangup())?),
                    ("SIGUSR1", signal(SignalKind::user_defined1())?),
                    ("SIGUSR2", signal(SignalKind::user_defined2())?),
                ],
                had_terminal: has_terminal,
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
            // A terminal that goes away now is no sign of impatience.
            signals.had_terminal = false;
            another_request(|cx| signals.poll(cx)).await;
            tracing::warn!("stopped at once by a second signal");
            crate::logging::flush();
            std::process::exit(1);
        });
    }
}

/// Whether whoever has started this process lets it ignore SIGHUP: it is to go on when its terminal has gone.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is the first signal.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Signals that give other servers an order, with their names.
    orders: [(&'static str, Signal); 3],
    /// Whether the process was started from a terminal, whose end it is not to survive.
    had_terminal: bool,
}

impl Signals {
    /// Ready when one of the signals has come that ask the process to stop.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let terminate = self.terminate.poll_recv(cx);
        let interrupt = self.interrupt.poll_recv(cx);
        let has_hung_up = self.follow_orders(cx);
        if terminate.is_ready() || interrupt.is_ready() || has_hung_up {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Logs the signals that change nothing. Returns whether the terminal has gone.
    fn follow_orders(&mut self, cx: &mut Context<'_>) -> bool {
        let mut has_hung_up = false;
        for (name, signal) in &mut self.orders {
            while let Poll::Ready(Some(())) = signal.poll_recv(cx) {
                // A terminal that has hung up is none any more.
                if *name == "SIGHUP" && self.had_terminal && !io::stdin().is_terminal() {
                    // It is told once: a shell sends the signal as well.
                    self.had_terminal = false;
                    has_hung_up = true;
                    continue;
                }
                tracing::warn!(
                    signal = name,
                    "a signal changes nothing: files that the configuration names are read again by themselves, \
                     the configuration at the start"
                );
            }
        }
        has_hung_up
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
