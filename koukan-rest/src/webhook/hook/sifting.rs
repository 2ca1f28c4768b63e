//! Events that a webhook refuses for good must not hold up later ones.
//!
//! A server that refuses everything may be broken; then no event is left out, however long this lasts. Only when the
//! server accepts a later event is it clear that it refuses just the earlier ones.

use http::StatusCode;
use koukan_core::{
    event::{Event, HookLeftOut},
    resource::{EventService, EventsRead},
};

use crate::webhook::{NotTaken, holding::Holding};

use super::Hook;

/// How often in a row events are refused together before each is sent by itself.
pub(super) const REFUSALS: u32 = 3;

/// Whether the server refuses the content, and not the sender or the time.
pub(super) fn is_refused(not_taken: &NotTaken) -> bool {
    let of_content = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    not_taken
        .status
        .is_some_and(|status| of_content.contains(&status))
}

impl<E: EventService> Hook<E> {
    /// Sends each event by itself. Refused ones are left out once a later one is accepted. Returns the cursor after the
    /// last accepted event, if there is one.
    pub(super) async fn sift(&self, holding: &Holding<'_>, page: &EventsRead) -> Option<Box<str>> {
        let mut refused: Vec<(u64, String)> = Vec::new();
        let mut taken = None;
        for event in &page.events {
            if !self.storage.holds_reader(holding.session()) {
                holding.lose().await;
            }
            let next: Box<str> = event.number.to_string().into();
            let alone = EventsRead {
                events: vec![event.clone()],
                next: next.clone(),
            };
            let (id, content) = self.request(&alone);
            match self.target.poster.post(&id, content).await {
                Ok(()) => {
                    for (number, error) in refused.drain(..) {
                        let left_out = HookLeftOut::new(self.name(), number, &error);
                        self.observers.tell(&Event::HookLeftOut(left_out));
                    }
                    self.keep(holding, &next).await;
                    taken = Some(next);
                }
                Err(not_taken) if is_refused(&not_taken) => {
                    let said = not_taken
                        .said
                        .map(|said| format!("{}: {said}", not_taken.what));
                    refused.push((event.number, said.unwrap_or(not_taken.what)));
                }
                Err(_) => break,
            }
        }
        taken
    }
}
