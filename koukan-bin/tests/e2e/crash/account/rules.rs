//! The rules that must hold for each recipient at the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::crash::{
    book::{Entry, Standing},
    plan::is_taken,
};

use super::fault::Fault;

/// The deliveries in the database, and the kill after which each was first found there.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeMap<String, u32>);

impl Written {
    /// Notes that the run that ended with this kill had written it.
    pub(super) fn note(&mut self, key: &str, kill: u32) {
        self.0.entry(key.to_owned()).or_insert(kill);
    }

    /// Says what is wrong with the runs in which one thing was delivered: each but the first must
    /// come after a kill before which the one before was not written down.
    fn unexplained(&self, key: &str, runs: &[u32]) -> Option<String> {
        let written = self.0.get(key).copied();
        runs.windows(2).find_map(|pair| match pair {
            [first, second] if first >= second => {
                Some(format!("delivered twice in run {second}, without a kill"))
            }
            [_, second] if written.is_some_and(|kill| kill < *second) => {
                let kill = written.unwrap_or_default();
                Some(format!(
                    "delivered again in run {second}, after run {kill} wrote that it is delivered"
                ))
            }
            _ => None,
        })
    }
}

/// The faults of one recipient.
pub(super) fn faults(to: &str, entry: &Entry, is_queued: bool, written: &Written) -> Vec<Fault> {
    let mut words = Vec::new();
    let is_acknowledged = entry.standing == Standing::Acknowledged;
    let is_delivered = !entry.deliveries.is_empty();
    let is_reported = !entry.reports.is_empty() || entry.view == Some(false);
    if is_acknowledged && !is_delivered && !is_reported && !is_queued {
        return vec![Fault::lost(to)];
    }
    if entry.deliveries.iter().any(|delivery| !delivery.is_whole) {
        words.push("what came is not what was sent".to_owned());
    }
    if is_reported && (is_delivered || is_taken(to) && !entry.is_refused) {
        words.push("reported as failed, and it did not fail".to_owned());
    }
    if is_delivered && !is_taken(to) {
        words.push("delivered, and the destination refuses it".to_owned());
    }
    if is_delivered && entry.standing == Standing::Refused {
        words.push("refused for good to the client, and delivered".to_owned());
    }
    if entry.way.is_rest() && entry.standing == Standing::Refused {
        words.push("the agent refuses what it should take".to_owned());
    }
    if entry.view == Some(true) && !is_delivered {
        words.push("delivered, its view says, and the destination never said 250".to_owned());
    }
    if entry.location.is_some() && entry.view.is_none() && !is_queued {
        words.push("its view does not say what became of it".to_owned());
    }
    let runs: Vec<_> = entry.deliveries.iter().map(|it| it.run).collect();
    words.extend(written.unexplained(to, &runs));
    let reports: BTreeSet<_> = entry.reports.iter().map(|it| &it.transaction).collect();
    if reports.len() > 1 {
        words.push(format!("reported by several notifications: {reports:?}"));
    }
    for report in reports {
        let same = entry.reports.iter().filter(|it| it.transaction == *report);
        let runs: Vec<_> = same.map(|it| it.run).collect();
        let unexplained = written.unexplained(report, &runs);
        words.extend(unexplained.map(|words| format!("notification {report}: {words}")));
    }
    let faults = words.into_iter().map(|words| Fault::new(to, words));
    faults.collect()
}
