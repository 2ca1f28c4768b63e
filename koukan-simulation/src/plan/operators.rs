//! What those do who operate the agent.

use std::time::Duration;

use super::{Doing, Plan};

/// Somebody who operates the agent, and changes what is queued, all at once.
#[derive(Debug, Clone)]
pub struct OperatorPlan {
    /// By which it is known.
    pub number: u32,
    /// What is to be done.
    pub order: Order,
    /// The destination whose mail is meant; otherwise all that is queued.
    pub destination: Option<u8>,
    /// What was stopped goes on after so long.
    pub resumed: Duration,
}

/// What is done to queued mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It is attempted now.
    Retry,
    /// It is held back, and released later.
    Hold,
    /// The destination is suspended, and resumed later; it is named in any case.
    Suspend,
    /// It is cancelled.
    Cancel,
    /// It is given back to its senders.
    Bounce,
}

impl OperatorPlan {
    /// Whether it is about the mail of that destination.
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

    /// Whether somebody stops the mail of that destination for a while.
    pub(crate) fn is_stopped(&self, destination: u8) -> bool {
        self.is_ordered(destination, &[Order::Hold, Order::Suspend])
    }

    /// Whether somebody may have what is to be sent later sent at once.
    pub(crate) fn is_hurried(&self, destination: u8) -> bool {
        self.is_ordered(destination, &[Order::Retry])
    }
}
