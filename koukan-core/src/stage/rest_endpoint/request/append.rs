//! Adds recipients, signals or a heartbeat to the transaction upstream.

use crate::{
    resource::{Append, Draft, Location, Operation, ResourceService, Version},
    signals::Carried,
    transaction::Rcpt,
};

use super::{Current, ask, backoff::Backoff, current, failure::Failure, read};

/// What is to be added: recipients that come after `offset` others, signals that upstream was not
/// told of, or nothing at all.
#[derive(Debug)]
pub(in super::super) struct Group {
    pub(in super::super) offset: usize,
    pub(in super::super) rcpt_to: Vec<Rcpt>,
    pub(in super::super) signals: Option<Carried>,
}

/// Adds to a transaction. If upstream has another version than the known one, or the result of the
/// request is unknown, reads the transaction and adds what is missing in it.
pub(in super::super) async fn append<R: ResourceService>(
    resource: R,
    transaction: Location,
    mut version: Version,
    mut group: Group,
) -> Result<Current, Failure> {
    let is_heartbeat = group.is_heartbeat();
    let mut backoff = Backoff::new(6);
    loop {
        let append = Append {
            transaction: transaction.clone(),
            if_match: Some(version),
            draft: Draft {
                rcpt_to: group.rcpt_to.clone(),
                filter_output: group
                    .signals
                    .as_ref()
                    .map(Carried::to_map)
                    .unwrap_or_default(),
                ..Draft::default()
            },
            rcpt_to_list_offset: (!group.rcpt_to.is_empty()).then_some(group.offset),
        };
        let operation = Operation::Append(Box::new(append));
        let failure = match ask(resource.clone(), operation).await {
            Ok(response) => return current(response),
            Err(failure) => failure,
        };
        let is_repeatable = failure.is_version_mismatch() || failure.is_passing();
        let Some(pause) = backoff.next().filter(|_| is_repeatable) else {
            return Err(failure);
        };
        if !failure.is_version_mismatch() {
            tokio::time::sleep(pause).await;
        }
        let now = read(&resource, &transaction).await?;
        let is_missing = group.is_missing_in(now.view.rcpt_to) || group.signals.is_some();
        if now.view.is_final() || !is_missing && !is_heartbeat {
            return Ok(now);
        }
        version = now.version;
    }
}

impl Group {
    /// Whether nothing is to be added.
    pub(in super::super) fn is_heartbeat(&self) -> bool {
        self.rcpt_to.is_empty() && self.signals.is_none()
    }

    /// Leaves out what a transaction with that many recipients already has. False if nothing is
    /// left.
    fn is_missing_in(&mut self, known: usize) -> bool {
        let arrived = known.saturating_sub(self.offset).min(self.rcpt_to.len());
        self.rcpt_to.drain(..arrived);
        self.offset += arrived;
        !self.rcpt_to.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::path::ForwardPath;

    use super::*;

    #[test]
    fn what_arrived_is_not_sent_again() {
        let rcpt = |path: &str| Rcpt::new(path.parse::<ForwardPath>().unwrap());
        for (known, missing) in [(0, 2), (1, 2), (2, 1), (3, 0), (9, 0)] {
            let mut group = Group {
                offset: 1,
                rcpt_to: vec![rcpt("b@y"), rcpt("c@y")],
                signals: None,
            };
            assert_eq!(group.is_missing_in(known), missing > 0, "{known}");
            assert_eq!(group.rcpt_to.len(), missing, "{known}");
            assert_eq!(group.offset, 3 - missing, "{known}");
        }
    }
}
