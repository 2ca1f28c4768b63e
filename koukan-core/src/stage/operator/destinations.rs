//! Destinations.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    resource::{
        Caller, DestinationAction, DestinationName, DestinationOperation, DestinationView,
        DestinationsListed, HostRoom, HostRooms, HostsDown, QueueChange, QueueChanged, QueueFilter,
        QueueResponse, Refusal, RefusalKind,
    },
    storage::{
        BackendError, Down, QueueState, Search, Suspended,
        record::{DestinationCensus, QueueAction},
    },
};

use super::Operator;

/// The default and the largest number of destinations in a list.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;
/// What is not retried with its destination.
const LATER: Option<QueueState> = Some(QueueState::Scheduled);

impl Operator {
    /// Shows the limits of hosts that `rooms` knows.
    #[must_use]
    pub fn with_rooms(mut self, rooms: Arc<dyn HostRooms>) -> Self {
        self.rooms = Some(rooms);
        self
    }

    fn room(&self, census: &DestinationCensus) -> Option<HostRoom> {
        self.rooms.as_ref()?.room(&DestinationView::host(census)?)
    }

    pub(super) async fn destinations(
        self,
        caller: Caller,
        operation: DestinationOperation,
    ) -> Result<QueueResponse, Refusal> {
        match operation {
            DestinationOperation::List { limit } => {
                let limit = match limit {
                    0 => LIMIT,
                    limit => limit.min(LIMIT_MAX),
                };
                let listed = self.list_destinations(limit).await?;
                Ok(QueueResponse::Destinations(listed))
            }
            DestinationOperation::Show(name) => {
                let shown = self.show_destination(name.as_str()).await?;
                Ok(QueueResponse::Destination(Box::new(shown)))
            }
            DestinationOperation::Change(name, action) => {
                self.change_destination(caller, name, action).await
            }
        }
    }

    async fn list_destinations(&self, limit: usize) -> Result<DestinationsListed, BackendError> {
        let storage = &self.storage;
        let now = storage.clock().now();
        storage.catch_up().await?;
        // One more, to know whether there are more.
        let counted = storage.backend().destinations(None, now, limit + 1);
        let counted = counted.await?;
        let mut down = storage.destinations().down(now);
        let mut suspended: BTreeMap<_, _> = storage
            .suspensions()
            .into_iter()
            .map(|suspension| (suspension.host.clone(), suspension))
            .collect();
        let mut views: Vec<_> = counted
            .into_iter()
            .map(|census| DestinationView {
                suspension: suspended.remove(&census.host),
                down: down.remove(&census.host).map(hosts_down),
                room: self.room(&census),
                census,
            })
            .collect();
        // Suspended destinations without queued mail.
        let empty = suspended.into_values().map(|suspension| {
            let census = DestinationCensus {
                host: suspension.host.clone(),
                ..DestinationCensus::default()
            };
            DestinationView {
                down: down.remove(&suspension.host).map(hosts_down),
                room: self.room(&census),
                census,
                suspension: Some(suspension),
            }
        });
        let queued = views.iter().position(|view| view.suspension.is_none());
        let queued = views.split_off(queued.unwrap_or(views.len()));
        views.extend(empty);
        views.extend(queued);
        let is_cut = views.len() > limit;
        views.truncate(limit);
        Ok(DestinationsListed {
            destinations: views,
            is_cut,
        })
    }

    async fn show_destination(&self, name: &str) -> Result<DestinationView, BackendError> {
        let storage = &self.storage;
        let now = storage.clock().now();
        storage.catch_up().await?;
        let counted = storage.backend().destinations(Some(name), now, 1).await?;
        let nothing = || DestinationCensus {
            host: name.into(),
            ..DestinationCensus::default()
        };
        let mut down = storage.destinations().down(now);
        let census = counted.into_iter().next().unwrap_or_else(nothing);
        Ok(DestinationView {
            room: self.room(&census),
            census,
            suspension: storage.suspension(name),
            down: down.remove(name).map(hosts_down),
        })
    }

    async fn change_destination(
        self,
        caller: Caller,
        name: DestinationName,
        action: DestinationAction,
    ) -> Result<QueueResponse, Refusal> {
        // It continues if the caller goes away.
        self.detached(async move |this: Self| {
            let host = name.as_str();
            this.storage.catch_up().await?;
            let changed = match action {
                DestinationAction::Suspend => this.suspend(&caller, host).await?,
                DestinationAction::Resume => this.resume(host).await?,
                DestinationAction::Retry if this.storage.is_suspended(host) => {
                    let detail = "the destination is suspended: resume it";
                    return Err(Refusal::new(RefusalKind::Conflict, detail));
                }
                DestinationAction::Retry => this.retry_destination(host).await?,
            };
            this.report(&caller, action.as_str(), host, &changed);
            let shown = this.show_destination(host).await?;
            Ok(QueueResponse::Destination(Box::new(shown)))
        })
        .await
    }

    async fn suspend(&self, caller: &Caller, host: &str) -> Result<QueueChanged, Refusal> {
        let by = caller.client().to_string();
        let suspended = self.storage.suspend(host, &by).await?;
        if suspended == Suspended::TooMany {
            let detail = "too many destinations are suspended: resume others first";
            return Err(Refusal::new(RefusalKind::Conflict, detail));
        }
        Ok(QueueChanged {
            matched: 1,
            changed: u64::from(suspended == Suspended::Now),
            ..QueueChanged::default()
        })
    }

    async fn resume(&self, host: &str) -> Result<QueueChanged, BackendError> {
        match self.storage.resume_destination(host).await? {
            true => self.make_due(host).await,
            false => Ok(QueueChanged::default()),
        }
    }

    /// Lets one transaction try the hosts, whatever is known of them; all others follow it. A message with a later time
    /// of sending is not sent early to try them.
    async fn retry_destination(&self, host: &str) -> Result<QueueChanged, BackendError> {
        let mut waiting = retry_of(host);
        waiting.filter.state = Some(QueueState::Waiting);
        self.retry_one(&waiting, LATER).await?;
        self.make_due(host).await
    }

    /// Makes waiting transactions due now, except those with a later time of sending.
    async fn make_due(&self, host: &str) -> Result<QueueChanged, BackendError> {
        let mut changed = QueueChanged::default();
        self.change_each(&retry_of(host), LATER, &mut changed)
            .await?;
        Ok(changed)
    }
}

/// A retry of everything that goes to this destination.
fn retry_of(host: &str) -> QueueChange {
    QueueChange {
        action: QueueAction::Retry,
        filter: QueueFilter {
            search: Search {
                destination: Some(host.into()),
                ..Search::default()
            },
            ..QueueFilter::default()
        },
        is_dry: false,
    }
}

fn hosts_down(down: Down) -> HostsDown {
    HostsDown {
        since: down.since,
        until: down.until,
        hosts: down.hosts,
    }
}
