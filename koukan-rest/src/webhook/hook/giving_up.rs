//! The standing of a webhook: since when it accepts nothing, and whether it was given up.

use std::time::Duration;

use http::StatusCode;
use koukan_core::{
    event::{Event, HookGivenUp},
    resource::{EventService, HookState},
};

use crate::webhook::{NotTaken, holding::Holding, standing::Standing};

use super::Hook;

/// The prefix of the name under which a webhook's standing is stored.
const STANDING: &str = "webhook-standing:";

impl<E: EventService> Hook<E> {
    /// The standing when it last ran.
    pub(super) async fn stood(&self) -> Standing {
        let name = self.standing_name();
        let found = self.insist("look how it stood", || async {
            Ok(self.storage.backend().cursor(&name).await?)
        });
        let standing = Standing::of_number(found.await.unwrap_or_default());
        if standing != Standing::default() {
            self.place.show(|view| {
                view.failing_since = standing.since;
                view.state = HookState::Failing;
            });
        }
        if standing.is_dead {
            self.give_up(&standing);
        }
        standing
    }

    /// Notes another failure, and gives the webhook up if it has failed for too long.
    pub(super) async fn failed(
        &self,
        holding: &Holding<'_>,
        standing: &mut Standing,
        not_taken: &NotTaken,
    ) {
        let now = self.clock.now();
        let since = standing.since.unwrap_or(now);
        let time = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        // 410 (Gone) says that there will be no server any more.
        let is_gone = not_taken.status == Some(StatusCode::GONE);
        let is_dead = is_gone || time >= self.target.give_up_after;
        let stands = Standing {
            since: Some(since),
            is_dead,
        };
        self.stands(holding, standing, stands).await;
        self.place.show(|view| {
            view.failing_since = Some(since);
            view.state = HookState::Failing;
        });
        if is_dead {
            self.give_up(&stands);
        }
    }

    pub(super) fn give_up(&self, standing: &Standing) {
        self.place.show(|view| view.state = HookState::Dead);
        let since = standing.since.unwrap_or_else(|| self.clock.now());
        let given_up = HookGivenUp::new(self.name(), since);
        self.observers.tell(&Event::HookGivenUp(given_up));
    }

    /// Stores the standing, if it has changed.
    pub(super) async fn stands(
        &self,
        holding: &Holding<'_>,
        standing: &mut Standing,
        now: Standing,
    ) {
        if *standing == now {
            return;
        }
        *standing = now;
        let (name, number) = (self.standing_name(), now.to_number());
        self.write(holding, "note how it stands", &name, number)
            .await;
    }

    fn standing_name(&self) -> String {
        format!("{STANDING}{}", self.name())
    }
}
