//! Everything that is measured of a case.

use serde_json::{Value, json};

use crate::{
    Failed,
    agent::{Agent, TracedAgent},
    group_commit,
    process::Traced,
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
        let pass = Pass { case, messages };
        let fewer = Pass {
            case,
            messages: messages.div_ceil(10).max(case.sessions),
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
        Ok(result)
    }
}
