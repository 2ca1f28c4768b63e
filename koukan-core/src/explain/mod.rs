//! Tells what would become of a message. A transaction passes the real chains, with a [`ProbeLayer`] before and
//! after each filter, and a [`ProbeEndpoint`] in place of the endpoint. Nothing is sent or kept.
//!
//! | part | stands | notes |
//! |---|---|---|
//! | [`Explainer`] | beside the chains | what all others note; it is also the [`RuleWatch`](crate::filter::policy_action::RuleWatch) of the chains' rules |
//! | [`Entry`] | above a chain | that a message, a part or a copy begins to pass it |
//! | [`ProbeLayer`] | above each filter, and below the last | how far commands get; signals, paths that change |
//! | [`Parts`] | in place of an Exploder | each recipient's part, which passes the chain of its own sender |
//! | [`Copies`] | in place of the route of copies | that a copy passes its chain |
//! | [`ProbeEndpoint`] | in place of an endpoint | the way that its [`Ways`] finds |
//!
//! The chains are made for one explanation: what they count is lost with it.
//!
//! | reply | when |
//! |---|---|
//! | 250 | everything that no filter refuses, and for which there is a way |
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
