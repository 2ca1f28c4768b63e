//! An operator of the agent.

use std::{sync::Arc, time::Duration};

use koukan_core::{
    resource::{
        Caller, DestinationAction, DestinationName, DestinationOperation, QueueChange, QueueFilter,
        QueueOperation, QueueRequest, QueueResponse, Role,
    },
    stage::operator::Operator,
    storage::{Search, record::QueueAction},
};
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::{
    ledger::GivenUp,
    plan::{OperatorPlan, Order},
    world::World,
};

/// How often a request that failed is repeated.
const TRIES: usize = 5;

/// How long an operator waits before repeating a request.
const PAUSE: Duration = Duration::from_secs(30);

/// An operator with one order.
pub(crate) struct OperatorClient {
    pub(crate) plan: OperatorPlan,
    pub(crate) world: Arc<World>,
    pub(crate) operator: Operator,
}

impl OperatorClient {
    pub(crate) async fn run(self) {
        match self.plan.order {
            Order::Retry => drop(self.change(QueueAction::Retry).await),
            Order::Cancel => self.give_up(QueueAction::Cancel, true).await,
            // A notification cannot be bounced to anybody.
            Order::Bounce => {
                let loses = self.plan.destination.is_none();
                self.give_up(QueueAction::Bounce, loses).await;
            }
            Order::Hold => {
                self.change(QueueAction::Hold).await;
                sleep(self.plan.resumed).await;
                self.resume().await;
            }
            Order::Suspend => {
                self.suspension(DestinationAction::Suspend).await;
                sleep(self.plan.resumed).await;
                self.resume().await;
            }
        }
    }

    /// Continues after a restart of the agent: what was stopped is resumed in the end.
    pub(crate) async fn come_again(self) {
        let is_stop = matches!(self.plan.order, Order::Hold | Order::Suspend);
        if is_stop && !self.world.ledger().resumed.contains(&self.plan.number) {
            sleep(self.plan.resumed).await;
            self.resume().await;
        }
    }

    /// The mail that this action may end is no longer owed to anybody. If it `loses` mail, no
    /// notification is owed either.
    async fn give_up(&self, action: QueueAction, loses: bool) {
        let place = {
            let mut ledger = self.world.ledger();
            ledger.given_up.push(GivenUp {
                destination: self.plan.destination,
                until: None,
                loses,
            });
            ledger.given_up.len() - 1
        };
        if self.change(action).await {
            let now = self.world.elapsed();
            self.world.ledger().given_up[place].until = Some(now);
        }
    }

    async fn resume(&self) {
        loop {
            let is_done = match self.plan.order {
                Order::Suspend => self.suspension(DestinationAction::Resume).await,
                _ => self.change(QueueAction::Release).await,
            };
            if is_done {
                self.world.ledger().resumed.insert(self.plan.number);
                return;
            }
        }
    }

    /// Changes all mail that is meant. Returns whether the change is known to be done.
    async fn change(&self, action: QueueAction) -> bool {
        let domain = self
            .plan
            .destination
            .map(|number| format!("d{number}.test").into());
        let filter = QueueFilter {
            search: Search {
                domain,
                ..Search::default()
            },
            ..QueueFilter::default()
        };
        for is_dry in [true, false] {
            let change = QueueChange {
                action,
                filter: filter.clone(),
                is_dry,
            };
            let asked = QueueOperation::Change(change);
            match self.ask(action.as_str(), asked).await {
                Some(QueueResponse::Changed(changed)) => {
                    let skipped: u64 = changed.skipped.values().sum();
                    if changed.changed + skipped != changed.matched {
                        self.violation(&format!("hears what cannot be counted: {changed:?}"));
                    }
                }
                Some(other) => self.violation(&format!("hears {other:?}")),
                None => return false,
            }
        }
        true
    }

    async fn suspension(&self, action: DestinationAction) -> bool {
        let destination = self.plan.destination.unwrap_or_default();
        let name = format!("d{destination}.test");
        let name = DestinationName::parse(&name).expect("the name of a destination");
        let asked = DestinationOperation::Change(name, action);
        let asked = QueueOperation::Destinations(asked);
        let answer = self.ask(&format!("{action:?}"), asked).await;
        answer.is_some()
    }

    /// Repeats a request a few times, until it is answered.
    async fn ask(&self, what: &str, operation: QueueOperation) -> Option<QueueResponse> {
        for _ in 0..TRIES {
            let about = self.plan.destination;
            self.tell(|| format!("asks for {what} of {about:?}"));
            let request = QueueRequest {
                caller: Caller::unrestricted().with_role(Role::Operate),
                operation: operation.clone(),
            };
            match self.operator.clone().oneshot(request).await {
                Ok(QueueResponse::Refused(refusal)) => {
                    self.tell(|| format!("is refused: {refusal}"));
                }
                Ok(answer) => {
                    self.tell(|| match &answer {
                        QueueResponse::Changed(changed) => format!("hears {changed:?}"),
                        _ => "hears that it is done".into(),
                    });
                    return Some(answer);
                }
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
        None
    }

    fn violation(&self, what: &str) {
        let number = self.plan.number;
        self.world.violation(format!("operator {number} {what}"));
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        let who = || format!("operator {}", self.plan.number);
        self.world.tell_by(who, what);
    }
}
