//! Accepting connections, whatever errors occur: [`accept_all`], and [`accept_waiting`] before a listener is closed.

use std::{convert::Infallible, io, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{causes::Causes, repeats::Repeats};

/// The first and the longest pause after a failure.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// The interval between log lines about failures; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(60);

/// How long a client may take to answer the system's half of a handshake, before a listener is closed.
const QUIET: Duration = Duration::from_millis(250);
/// How long those who wait are accepted at most.
const LAST_CLIENTS: Duration = Duration::from_secs(1);

static NOT_ACCEPTED: Repeats = Repeats::new(INTERVAL, |tries, interval| {
    let seconds = interval.as_secs();
    tracing::error!(tries, seconds, "connections could still not be accepted");
});

/// Passes every connection from `accept` to `admit`, and never ends by itself.
///
/// | `accept` fails | then |
/// |---|---|
/// | because the client went away before it was accepted, or the call was interrupted | the next connection is accepted at once |
/// | for any other reason, for example since no file descriptor is left | it is repeated after 50 ms, then after twice as long each time, up to a second |
///
/// An accepted connection resets the pause to 50 ms. The first failure is logged, and after that the
/// number of failures once a minute.
///
/// # Cancel safety
///
/// As cancel safe as `accept` is. When this is dropped, nothing more is accepted.
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

/// Passes those connections to `admit` that the system has made already, or is about to make, and that nobody has accepted
/// yet: closing a listener resets them, and their clients never learn what has become of what they have sent.
///
/// It ends when no connection has come for 250 ms, so that handshakes that are under way end; at the latest after a
/// second. It is for listeners to which nobody can connect any more: see
/// [`Listener::close`](crate::network::Listener::close).
///
/// # Cancel safety
///
/// The same as for [`accept_all`].
pub async fn accept_waiting<T, F>(mut accept: impl FnMut() -> F, mut admit: impl FnMut(T))
where
    F: Future<Output = io::Result<T>>,
{
    let [shortest, _] = PAUSE;
    let all = async {
        while let Ok(accepted) = timeout(QUIET, accept()).await {
            match accepted {
                Ok(connection) => admit(connection),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => sleep(shortest).await,
            }
        }
    };
    // Those who are left then are too many for this machine.
    let _ = timeout(LAST_CLIENTS, all).await;
}

/// Whether only one connection failed, before it was accepted, and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
