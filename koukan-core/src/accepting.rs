//! Accepting connections, whatever fails: [`accept_all`].

use std::{convert::Infallible, io, time::Duration};

use tokio::time::sleep;

use crate::{causes::Causes, repeats::Repeats};

/// How long to wait where nothing can be accepted, at first and at most.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// For how long failures are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_ACCEPTED: Repeats = Repeats::new(INTERVAL, |tries, interval| {
    let seconds = interval.as_secs();
    tracing::error!(tries, seconds, "connections could still not be accepted");
});

/// Hands every connection that `accept` gives to `admit`, and never ends by itself.
///
/// | `accept` fails | then |
/// |---|---|
/// | since the client went away before it was accepted, or the call was interrupted | the next one is accepted at once |
/// | for any other reason, as where the process has no file descriptor left | it is tried again after 50 ms, then after twice as long each time, at most after a second |
///
/// A connection that is accepted makes the next pause 50 ms again. The log tells of the first failure
/// and then once a minute of how many there were.
///
/// # Cancel safety
///
/// As cancel safe as `accept` is: when it is dropped, nothing more is accepted.
///
/// # Example
///
/// ```
/// use koukan_core::accepting::accept_all;
/// use tokio::net::TcpListener;
///
/// async fn serve(listener: TcpListener) {
///     let admit = |(stream, client)| {
///         tokio::spawn(async move { drop((stream, client)) });
///     };
///     match accept_all(|| listener.accept(), admit).await {}
/// }
/// ```
pub async fn accept_all<T, F>(mut accept: impl FnMut() -> F, mut admit: impl FnMut(T)) -> Infallible
where
    F: Future<Output = io::Result<T>>,
{
    let [shortest, longest] = PAUSE;
    let mut pause = shortest;
    loop {
        match accept().await {
            Ok(connection) => {
                pause = shortest;
                admit(connection);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if NOT_ACCEPTED.is_first() {
                    tracing::error!(error = %Causes(&error), "connections cannot be accepted");
                }
                sleep(pause).await;
                pause = longest.min(pause * 2);
            }
        }
    }
}

/// Whether it is one connection that failed, before it was accepted, and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
