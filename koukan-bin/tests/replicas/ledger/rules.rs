//! What is a fault, and which troubles explain a repeated delivery.

use std::time::Duration;

use crate::plan::{What, Whom};

use super::{Delivery, Entry, Happening};

/// How long it takes at most, on a busy machine, until a 250 is recorded.
const RECORDED: Duration = Duration::from_secs(10);
/// How long after its end a trouble may still have effects in other processes: a gateway may still
/// send a message that it was given by a router which is no longer there.
const AFTERMATH: Duration = Duration::from_secs(3);
/// How many messages may be running in one process when a trouble begins.
const IN_FLIGHT: usize = 60;

/// The number of the trouble that explains a delivery beyond the first.
pub(super) fn explanation(
    delivery: &Delivery,
    again: &Delivery,
    troubles: &[Happening],
) -> Option<usize> {
    let mut explaining = troubles.iter().enumerate().filter(|(_, trouble)| {
        // Either the first delivery was not recorded, or it was still running when others took
        // over.
        explains(trouble, delivery) || explains(trouble, again)
    });
    explaining.next().map(|(number, _)| number)
}

/// Whether a delivery was running, or not recorded, when a trouble of its router or gateway began.
fn explains(trouble: &Happening, delivery: &Delivery) -> bool {
    let concerns = match trouble.whom {
        Whom::Router(number) => delivery.router == Some(number),
        Whom::Gateway(number) => delivery.gateway == Some(number),
        Whom::Database => true,
    };
    // An agent that is drained finishes the messages that it has sent.
    let excuses = trouble.what != What::Drain;
    let is_after_begin = delivery.at + RECORDED >= trouble.begun;
    let is_before_end = trouble
        .ended
        .is_none_or(|ended| delivery.begun <= ended + AFTERMATH);
    concerns && excuses && is_after_begin && is_before_end
}

/// The faults about a recipient, and the troubles that explain deliveries beyond the first.
pub(super) fn faults(
    to: &str,
    entry: &Entry,
    troubles: &[Happening],
    explained: &mut [usize],
) -> Vec<String> {
    let mut faults = Vec::new();
    if entry.acknowledged.is_some() && entry.deliveries.is_empty() {
        faults.push(format!("{to}: lost: acknowledged, and never delivered"));
    }
    if entry.is_cancelled
        && let Some(delivery) = entry.deliveries.first()
        && !troubles.iter().any(|trouble| explains(trouble, delivery))
    {
        // Without a trouble, the agent knows whether it has sent the message.
        faults.push(format!(
            "{to}: cancelled, and delivered by {} all the same",
            delivery.by
        ));
    }
    for pair in entry.deliveries.windows(2) {
        match explanation(&pair[0], &pair[1], troubles) {
            Some(number) => explained[number] += 1,
            None => faults.push(format!(
                "{to}: delivered by {}, and {:.1?} later by {}, without a trouble that explains it",
                pair[0].by,
                pair[1].at.duration_since(pair[0].at),
                pair[1].by
            )),
        }
    }
    faults
}

/// The fault if a trouble explains too many deliveries.
pub(super) fn excess(trouble: &Happening, explained: usize) -> Option<String> {
    let most = match trouble.whom {
        Whom::Database => IN_FLIGHT * 3,
        _ => IN_FLIGHT,
    };
    (explained > most).then(|| {
        format!(
            "{:?} at {:?} is to explain {explained} deliveries too many, and {most} could be under way",
            trouble.what, trouble.whom
        )
    })
}
