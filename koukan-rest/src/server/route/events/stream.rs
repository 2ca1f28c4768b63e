//! Events as a stream: server-sent events, in the HTML Standard, section 9.2.
//!
//! Whoever reads slowly holds a page of them in memory, and nothing else: storage is asked for the next
//! page when the one before was taken. A stream ends when the server stops; whoever reads comes again, and
//! says by `Last-Event-ID` which event it had last.

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

/// How long nothing is sent before the client is shown that the stream lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Where a stream is.
struct Streaming {
    shared: Shared,
    caller: Caller,
    read: ReadEvents,
    draining: Option<Draining>,
    /// What was read to find out whether there may be a stream.
    first: Option<EventsRead>,
    /// Held as long as there is the stream.
    _place: Charge<Client>,
}

/// The stream, where it is granted.
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
            // What is wrong is answered when the client comes again.
            page = page => page.ok().map(|page| self.sent(page)),
        }
    }

    /// What is sent of a page. One without events is a comment, with the place by which to go on: so who
    /// waits for what is rare does not begin far behind.
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
