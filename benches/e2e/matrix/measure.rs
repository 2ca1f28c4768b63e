//! Everything that is measured of a case.

use serde_json::{Value, json};

use crate::{
    Failed,
    agent::{Agent, TracedAgent},
    group_commit,
    postfix::Postfix,
    process::Traced,
    server::Entry,
};

use super::{
    Matrix,
    case::{Case, Ceiling},
    pass::Pass,
};

impl Matrix {
    pub(super) fn measure(&self, case: &Case) -> Result<Value, Failed> {
        let messages = match self.quick {
            true => case.messages.div_ceil(10),
            false => case.messages,
        };
        let pass = Pass {
            case,
            messages,
            is_chunking: !self.without_chunking,
        };
        let fewer = Pass {
            messages: messages.div_ceil(10).max(messages.min(2 * case.sessions)),
            ..pass
        };
        let ceiling = match case.ceiling {
            Ceiling::Direct => pass.direct()?["per_second"].clone(),
            Ceiling::GroupCommit => json!(group_commit::per_second(case.size)?),
            Ceiling::None => Value::Null,
        };
        let mut result = pass.through(|sink| Agent::start(case.shape, sink))?;
        result["case"] = json!(case.name);
        result["ceiling"] = ceiling;
        if Traced::is_possible() {
            let traced = fewer.through(|sink| TracedAgent::start(case.shape, sink))?;
            result["syncs"] = traced["syncs"].clone();
        }
        if !self.without_postfix && case.entry != Entry::Rest && Postfix::is_possible() {
            match fewer.through(Postfix::start) {
                Ok(other) => compare(&mut result, other),
                // That is no fault of the agent's.
                Err(error) => eprintln!("{} by way of Postfix: {error}", case.name),
            }
        }
        Ok(result)
    }
}

/// Adds what was measured of Postfix.
fn compare(result: &mut Value, mut other: Value) {
    // One for each of some hundred processes.
    other["peak_mib_each"].take();
    // It keeps everything first: what counts is when it has arrived.
    let rates = ["arrived_per_second", "per_second"].map(|rate| &other[rate]);
    let rate = rates.into_iter().find(|rate| !rate.is_null());
    result["postfix_per_second"] = json!(rate);
    result["postfix"] = other;
}
