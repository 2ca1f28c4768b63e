//! A reader of all events, which remembers its position when the agent restarts.

use std::{sync::Arc, time::Duration};

use koukan_core::{
    resource::{Caller, EventRequest, EventResponse, ReadEvents, RefusalKind},
    stage::event_reader::EventReader,
};
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::world::World;

/// Events on one page. Small, so that there are several pages.
const LIMIT: usize = 7;

/// How long it waits for events.
const WAIT: Duration = Duration::from_secs(10 * 60);

/// How long it waits after a refusal before it asks again.
const PAUSE: Duration = Duration::from_secs(30);

/// Reads events until the simulation ends.
pub(crate) async fn subscribe(world: Arc<World>, reader: EventReader) {
    loop {
        let cursor = world.ledger().read.len();
        let request = EventRequest {
            caller: Caller::unrestricted(),
            read: ReadEvents {
                cursor: Some(cursor.to_string().into()),
                limit: LIMIT,
                wait: WAIT,
                ..ReadEvents::default()
            },
        };
        match reader.clone().oneshot(request).await {
            Ok(EventResponse::Read(page)) => {
                let mut ledger = world.ledger();
                for event in page.events {
                    let expected = ledger.read.len() as u64 + 1;
                    if event.number != expected {
                        let number = event.number;
                        ledger.violation(format!(
                            "a reader of events gets number {number} in place of {expected}"
                        ));
                        return;
                    }
                    ledger.read.push(event);
                }
            }
            Ok(EventResponse::Refused(refusal)) if refusal.kind == RefusalKind::Gone => {
                world.violation("a reader of events hears that they are gone".into());
                return;
            }
            Ok(EventResponse::Refused(_)) | Err(_) => sleep(PAUSE).await,
        }
    }
}
