//! Predicts what would become of a message. A transaction passes through the real chains, with a [`ProbeLayer`]
//! before and after each filter, and a [`ProbeEndpoint`] in place of the endpoint. Nothing is sent or stored.
//!
//! | part | stands | notes |
//! |---|---|---|
//! | [`Explainer`] | beside the chains | everything that the others report; it is also the [`RuleWatch`](crate::filter::policy_action::RuleWatch) of the chains' rules |
//! | [`Entry`] | above a chain | that a message, a part or a copy enters it |
//! | [`ProbeLayer`] | above each filter, and below the last | how far commands get; signals; paths that change |
//! | [`Parts`] | in place of an Exploder | each recipient's part, which passes through its own sender's chain |
//! | [`Copies`] | in place of the route of copies | that a copy passes through its chain |
//! | [`ProbeEndpoint`] | in place of an endpoint | the way that its [`Ways`] finds |
//!
//! The chains are made for one explanation: their counters are dropped with them.
//!
//! | reply | when |
//! |---|---|
//! | 250 | to everything that no filter refuses, and for which there is a way |
//! | the reply of [`Ways`] | there is no way |

mod end;
mod entry;
mod fields;
mod parts;
mod probe;
mod recorder;
mod rules;
mod run;

pub use self::{
    end::{NoWay, ProbeEndpoint, Ways},
    entry::Entry,
    parts::{Copies, Parts},
    probe::{Probe, ProbeLayer},
    recorder::Explainer,
    run::{PATIENCE, run},
};
