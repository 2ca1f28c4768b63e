//! What is a fault, and what explains one delivery too many.

use std::time::Duration;

use crate::plan::{What, Whom};

use super::{Delivery, Entry, Happening};

/// How long after a 250 it is written at the latest, on a machine that has much else to do.
const RECORDED: Duration = Duration::from_secs(10);
/// How long after its end what a trouble has left behind in other processes may still go on its way: a gateway
/// that was given a message sends it, and its router is not there any more.
const AFTERMATH: Duration = Duration::from_secs(3);
/// How many messages may be under way in one process when something befalls it.
const IN_FLIGHT: usize = 60;

/// Whose trouble explains a delivery beyond the first: its number.
pub(super) fn explanation(
    delivery: &Delivery,
    again: &Delivery,
    troubles: &[Happening],
) -> Option<usize> {
    let mut explaining = troubles.iter().enumerate().filter(|(_, trouble)| {
        // The one that was not recorded, or the one that was under way when others took over.
        explains(trouble, delivery) || explains(trouble, again)
    });
    explaining.next().map(|(number, _)| number)
}

/// Whether a delivery was under way, or not recorded, when something befell those by whom it came.
fn explains(trouble: &Happening, delivery: &Delivery) -> bool {
    let concerns = match trouble.whom {
        Whom::Router(number) => delivery.router == Some(number),
        Whom::Gateway(number) => delivery.gateway == Some(number),
        Whom::Database => true,
    };
    // Who is drained ends what has gone out.
    let excuses = trouble.what != What::Drain;
    let is_after_begin = delivery.at + RECORDED >= trouble.begun;
    let is_before_end = trouble
        .ended
        .is_none_or(|ended| delivery.begun <= ended + AFTERMATH);
    concerns && excuses && is_after_begin && is_before_end
}

/// What is wrong about a recipient; and which troubles explain the deliveries beyond the first.
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
        // Without a trouble it is known whether the message has gone out.
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

/// What is wrong about how much a trouble explains.
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
