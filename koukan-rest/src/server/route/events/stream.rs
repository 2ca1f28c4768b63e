//! Events as a stream of server-sent events: HTML Standard, section 9.2.
//!
//! A slow reader costs the memory of one page and nothing else: the next page is only read from storage when the last
//! one was taken. A stream ends when the server stops. The reader then connects again, and says with `Last-Event-ID`
//! which event it had last.

use std::{convert::Infallible, fmt::Write, future::pending, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use koukan_core::{
    resource::{Caller, EventsRead, ReadEvents},
    shares::{Charge, Client},
};

use crate::{
    schema::event_to_json,
    server::{connections::Draining, problem::Problem, shared::Shared},
};

use super::EVENT_STREAM;

/// After how long a silence the client gets a sign that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The state of a stream.
struct Streaming {
    shared: Shared,
    caller: Caller,
    read: ReadEvents,
    draining: Option<Draining>,
    /// The first page, which was read to find out whether the stream is granted.
    first: Option<EventsRead>,
    /// Held as long as the stream exists.
    _place: Charge<Client>,
}

/// The stream, if it is granted.
pub(super) async fn of(
    shared: Shared,
    caller: Caller,
    mut read: ReadEvents,
    draining: Option<Draining>,
) -> Result<Response, Problem> {
    let place = shared.streams.charge(caller.client(), 1);
    let place = place.ok_or_else(Problem::overloaded)?;
    let first = shared.ask_events(caller.clone(), read.clone()).await?;
    read.wait = HEARTBEAT;
    let streaming = Streaming {
        shared,
        caller,
        read,
        draining,
        first: Some(first),
        _place: place,
    };
    let pieces = stream::unfold(streaming, |mut streaming| async move {
        let piece = streaming.next().await?;
        Some((Ok::<_, Infallible>(piece), streaming))
    });
    let content_type = [(CONTENT_TYPE, EVENT_STREAM)];
    Ok((content_type, Body::from_stream(pieces)).into_response())
}

impl Streaming {
    /// The next octets; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(self.sent(first));
        }
        let page = self
            .shared
            .ask_events(self.caller.clone(), self.read.clone());
        tokio::select! {
            biased;
            () = stopping(&mut self.draining) => None,
            // The client is told what is wrong when it connects again.
            page = page => page.ok().map(|page| self.sent(page)),
        }
    }

    /// What to send for a page. A page without events is a comment with the place at which to go on, so that a reader
    /// that waits for rare events does not start far behind when it connects again.
    fn sent(&mut self, page: EventsRead) -> Bytes {
        let mut text = String::new();
        for kept in &page.events {
            let json = event_to_json(kept);
            let (number, kind) = (kept.number, kept.event.kind.as_str());
            write!(text, "id: {number}\nevent: {kind}\ndata: {json}\n\n")
                .expect("writing to a string never fails");
        }
        if page.events.is_empty() {
            write!(text, ": nothing new\nid: {}\n\n", page.next)
                .expect("writing to a string never fails");
        }
        self.read.cursor = Some(page.next);
        text.into()
    }
}

/// Waits until the server stops.
async fn stopping(draining: &mut Option<Draining>) {
    match draining {
        Some(Draining(draining)) => drop(draining.wait_for(|is_draining| *is_draining).await),
        None => pending().await,
    }
}
