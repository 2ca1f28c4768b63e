#![doc = include_str!("../docs/simulation.md")]
//!
//! # Types of other crates in the API
//!
//! `futures_core::future::BoxFuture`, `jiff::SignedDuration`, and those of `koukan-core`.
//!
//! Minimum supported Rust version: 1.88.

mod actor;
mod agent;
mod check;
mod disk;
mod fault;
mod known;
mod ledger;
mod network;
mod plan;
mod polls;
mod run;
mod shrink;
mod world;

pub use self::{
    disk::{Disk, Disks},
    fault::Fault,
    known::Known,
    plan::{
        ClientPlan, DestinationPlan, Doing, End, EndKind, Letter, ListenerKind, MessagePlan, Mood,
        OperatorPlan, Order, Plan, Point, Quirk, ReplicaPlan, RestPlan, Step, To, Upload,
    },
    run::{Outcome, Simulation},
    shrink::Failure,
};
