//! Transactions that carry one message to one destination, and reach it as one transaction.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod agent;
mod alone;
mod apart;
mod giving_way;
mod harness;
mod leaving;
mod merging;
mod slow;
mod too_many;
