//! One attempt at one stored transaction: the [`OutputHandler`].
//!
//! It drives the transaction through its sender's chain, writes replies back as they come, and
//! says when another attempt may be made. What follows from the outcome is decided by
//! [`storage`](crate::storage), which knows what was promised.

mod attempt;
mod attempt_service;
mod chains;
mod elsewhere;
mod meeting;
mod notification;
mod report;
mod rules;
mod schedule;
mod service;
mod suppressed;
mod suspended;
mod turn_away;

pub use self::{
    attempt_service::AttemptService,
    chains::{Chain, ChainMap, Chains},
    notification::Notifications,
    rules::{DomainRules, RetryRules},
    schedule::RetryPolicy,
    service::{AttemptOutcome, OutputHandler},
    turn_away::{TurnAway, TurnAwayLayer},
};
