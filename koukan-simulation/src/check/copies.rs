//! Checks that an archive got a copy of what was promised.

use crate::{
    ledger::{Key, Ledger},
    plan::{Doing, ListenerKind, Plan},
};

pub(super) fn violations(ledger: &Ledger, plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    if !plan.archives {
        return found;
    }
    // Where storage fails, a copy may be missing; that is logged.
    if plan.is_durable() {
        let promised = ledger.promised().map(|(key, _)| key);
        let is_missing = |key: &Key| {
            is_copied(key, plan) && !ledger.copies.contains_key(key) && !ledger.is_ended(key.0)
        };
        for (letter, to) in promised.filter(is_missing) {
            let address = to.address(letter);
            found.push(format!(
                "the archive has no copy of message {letter} to {address}"
            ));
        }
    }
    for ((letter, to), times) in &ledger.copies {
        let excused = 1 + ledger.repetitions(*letter, plan) + ledger.ends.len() as u32;
        if *times > excused || !is_copied(&(*letter, *to), plan) {
            let address = to.address(*letter);
            found.push(format!(
                "the archive has {times} copies of message {letter} to {address}"
            ));
        }
    }
    found
}

/// Whether the message comes in where copies are made.
fn is_copied((letter, _): &Key, plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match &step.doing {
        Doing::Smtp(client) => {
            client.listener != ListenerKind::Gateway
                && client.letters.iter().any(|own| own.number == *letter)
        }
        _ => false,
    })
}
