//! What operators of the agent do.

use std::time::Duration;

use super::{Doing, Plan};

/// An operator who changes queued mail, in bulk.
#[derive(Debug, Clone)]
pub struct OperatorPlan {
    /// The operator's number.
    pub number: u32,
    /// What is to be done.
    pub order: Order,
    /// The destination whose mail is meant; `None` means everything queued.
    pub destination: Option<u8>,
    /// After how long a stop is undone.
    pub resumed: Duration,
}

/// What is done to queued mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It is attempted now.
    Retry,
    /// It is held back, and released later.
    Hold,
    /// The destination is suspended, and resumed later. A destination is named in any case.
    Suspend,
    /// It is cancelled.
    Cancel,
    /// It is bounced to its senders.
    Bounce,
}

impl OperatorPlan {
    /// Whether it concerns mail for this destination.
    pub(crate) fn concerns(&self, destination: u8) -> bool {
        self.destination.is_none_or(|own| own == destination)
    }
}

impl Plan {
    fn is_ordered(&self, destination: u8, orders: &[Order]) -> bool {
        self.steps.iter().any(|step| match &step.doing {
            Doing::Operator(plan) => orders.contains(&plan.order) && plan.concerns(destination),
            _ => false,
        })
    }

    /// Whether an operator stops mail for this destination for a while.
    pub(crate) fn is_stopped(&self, destination: u8) -> bool {
        self.is_ordered(destination, &[Order::Hold, Order::Suspend])
    }

    /// Whether an operator may have mail for this destination sent before its time.
    pub(crate) fn is_hurried(&self, destination: u8) -> bool {
        self.is_ordered(destination, &[Order::Retry])
    }
}
