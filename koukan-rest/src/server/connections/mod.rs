//! Connections: HTTP/1.1 and HTTP/2, with or without TLS.

mod activity;
mod answering;
mod settings;
mod turned_away;

pub use self::settings::ConnectionSettings;

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use koukan_core::{
    accepting::accept_all,
    event::{Connection, Event, Protocol},
    network::{Listener, ServerStream},
    shares::{Client, Shares},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use self::{answering::Answering, turned_away::TurnedAway};

/// The client at the other end of the connection; an extension of the request.
#[derive(Debug, Clone)]
pub(super) struct Peer(pub(super) Client);

/// Whether the server stops; an extension of the request. Responses without an end finish then.
#[derive(Debug, Clone)]
pub(super) struct Draining(pub(super) watch::Receiver<bool>);

/// Answers connections with `router` until `shutdown` is ready, then lets the requests that have begun end.
///
/// Whoever connects after that is refused ([`Listener::close`]); whoever was connected is answered:
///
/// | the connection | what becomes of it |
/// |---|---|
/// | was made, and not accepted yet | it is accepted |
/// | has a request under way | it is answered; over HTTP/1.1 with `Connection: close` |
/// | has none | the next request is answered in the same way, if it comes within [`ConnectionSettings::last_call`] |
/// | speaks HTTP/2 | the client is told to make no more requests (GOAWAY), and all that it has made are answered |
///
/// # Errors
///
/// None at present: an error ends one connection, and is logged.
///
/// # Cancel safety
///
/// When the future is dropped, no new connections are accepted; existing ones go on.
pub async fn serve(
    listener: impl Into<Listener>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_with(listener, router, ConnectionSettings::default(), shutdown).await
}

/// Like [`serve`], with other limits.
///
/// # Errors
///
/// The same as for [`serve`].
pub async fn serve_with(
    listener: impl Into<Listener>,
    router: Router,
    settings: ConnectionSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = listener.into();
    let slots = Shares::new(settings.max_connections as u64);
    let client_max = settings.max_connections_per_client as u64;
    let turned_away = TurnedAway::default();
    let (draining, is_draining) = watch::channel(false);
    let stop = Arc::new(Notify::new());
    let admit = |(stream, peer): (ServerStream, Option<SocketAddr>)| {
        let client = stream.client(peer);
        let slot = slots.charge(&client, 1);
        let slot = slot.filter(|slot| slot.held() <= client_max);
        let observers = settings.observers.clone();
        let connection = Connection::new(Protocol::Http);
        let connection = match peer {
            Some(peer) => connection.from(peer),
            None => connection,
        };
        let Some(slot) = slot else {
            turned_away.answer(stream, move || {
                observers.tell(&Event::TurnedAway(connection));
            });
            return;
        };
        let answering = Answering {
            router: router.clone(),
            settings: settings.clone(),
            peer: Peer(client),
            is_draining: is_draining.clone(),
        };
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            // In this task, so that a panic in an observer costs this connection and not the listener.
            let _held = (slot, connection.open(&observers));
            tokio::select! {
                () = answering.answer(stream) => {}
                () = stop.notified() => tracing::debug!(?peer, "connection closed because the server stops"),
            }
        });
    };
    tokio::select! {
        biased;
        () = shutdown => {}
        never = accept_all(|| listener.accept(), &admit) => match never {},
    }
    listener.close(&admit).await;
    drop(is_draining);
    // Each connection holds a receiver.
    tracing::debug!(connections = draining.receiver_count(), "draining");
    draining.send_replace(true);
    if timeout(settings.drain_timeout, draining.closed())
        .await
        .is_err()
    {
        tracing::warn!("requests did not end in time; closing their connections");
        stop.notify_waiters();
    }
    Ok(())
}
