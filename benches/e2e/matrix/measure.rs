//! Everything that is measured in a case.

use serde_json::{Value, json};

use crate::{
    Failed,
    agent::{Agent, TracedAgent},
    group_commit,
    postfix::{self, Postfix},
    process::Traced,
    server::Entry,
};

use super::{
    Matrix,
    case::{Case, Ceiling},
    handshakes,
    pass::Pass,
    site::Site,
};

impl Matrix {
    pub(super) fn measure(&self, case: &Case) -> Result<Value, Failed> {
        let messages = match self.quick {
            true => case.messages.div_ceil(10),
            false => case.messages,
        };
        let site = Site::new(case)?;
        let pass = Pass {
            case,
            messages,
            is_chunking: !self.without_chunking,
            is_plain: false,
            site: &site,
        };
        let plain = Pass {
            is_plain: true,
            ..pass
        };
        let fewer = Pass {
            messages: messages.div_ceil(10).max(messages.min(2 * case.sessions)),
            ..pass
        };
        let whole = match case.ceiling {
            Ceiling::Whole => Some(plain.through(|sink| Agent::start(plain.setup(), sink))?),
            Ceiling::Direct | Ceiling::GroupCommit | Ceiling::None => None,
        };
        let ceiling = match case.ceiling {
            Ceiling::Direct => pass.direct()?["per_second"].clone(),
            Ceiling::Whole => json!(whole.as_ref().map(|whole| &whole["per_second"])),
            Ceiling::GroupCommit => json!(group_commit::per_second(case.size)?),
            Ceiling::None => Value::Null,
        };
        let mut result = pass.through(|sink| Agent::start(pass.setup(), sink))?;
        if let Some(kind) = case.tls {
            handshakes::verify(&result, kind, messages)?;
        }
        result["case"] = json!(case.name);
        result["ceiling"] = ceiling;
        if let Some(whole) = whole {
            let more = cpu_us(&result, messages) - cpu_us(&whole, messages);
            result["more_cpu_us"] = json!(more);
        }
        if Traced::is_possible() {
            let traced = fewer.through(|sink| TracedAgent::start(fewer.setup(), sink))?;
            result["syncs"] = traced["syncs"].clone();
        }
        let job = case.job.filter(|_| case.entry != Entry::Rest);
        if let Some(job) = job
            && !self.without_postfix
            && Postfix::is_possible()
        {
            let setup = postfix::Setup {
                job,
                tls: fewer.tls(),
                zone: &site.zone,
                dns: site.dns.address(),
            };
            match fewer.through(|sink| Postfix::start(setup, sink)) {
                Ok(other) => compare(&mut result, other),
                // A failure of Postfix is not the agent's fault.
                Err(error) => eprintln!("{} by way of Postfix: {error}", case.name),
            }
        }
        Ok(result)
    }
}

/// The server's processor time for a message, in microseconds.
fn cpu_us(result: &Value, messages: u32) -> f64 {
    let each = result["server_cpu_seconds_each"].as_array();
    let all: f64 = each.into_iter().flatten().filter_map(Value::as_f64).sum();
    1e6 * all / f64::from(messages)
}

/// Adds what was measured with Postfix.
fn compare(result: &mut Value, mut other: Value) {
    // There would be one for each of some hundred processes.
    other["peak_mib_each"].take();
    // Postfix stores everything first, so the arrival of the messages is what counts.
    let rates = ["arrived_per_second", "per_second"].map(|rate| &other[rate]);
    let rate = rates.into_iter().find(|rate| !rate.is_null());
    result["postfix_per_second"] = json!(rate);
    result["postfix"] = other;
}
