//! The account, as people read it.

use std::{collections::BTreeMap, fmt};

use super::{
    Happening, Pages,
    rules::{excess, faults},
};

pub(crate) struct Account {
    recipients: usize,
    acknowledged: usize,
    delivered: usize,
    again: usize,
    troubles: Vec<(Happening, usize)>,
    counts: BTreeMap<String, usize>,
    faults: Vec<String>,
    notes: Vec<String>,
}

impl Account {
    pub(super) fn of(pages: &Pages) -> Self {
        let mut explained = vec![0; pages.troubles.len()];
        let mut all = pages.wrong.clone();
        for (to, entry) in &pages.entries {
            all.extend(faults(to, entry, &pages.troubles, &mut explained));
        }
        let troubles: Vec<_> = pages.troubles.iter().cloned().zip(explained).collect();
        all.extend(troubles.iter().filter_map(|(it, count)| excess(it, *count)));
        let entries = || pages.entries.values();
        let beyond = entries().map(|entry| entry.deliveries.len().saturating_sub(1));
        Self {
            recipients: entries().count(),
            acknowledged: entries().filter(|it| it.acknowledged.is_some()).count(),
            delivered: entries().filter(|it| !it.deliveries.is_empty()).count(),
            again: beyond.sum(),
            troubles,
            counts: pages.counts.clone(),
            faults: all,
            notes: pages.notes.clone(),
        }
    }

    /// Whether there is no fault, and something was delivered.
    pub(crate) fn is_balanced(&self) -> bool {
        self.faults.is_empty() && self.acknowledged > 0
    }

    #[cfg(test)]
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.troubles.first().map(|(trouble, _)| trouble.begun);
        for (trouble, explained) in &self.troubles {
            let at = start.map_or(0.0, |start| {
                trouble.begun.duration_since(start).as_secs_f64()
            });
            let (what, whom) = (format!("{:?}", trouble.what), format!("{:?}", trouble.whom));
            let lasted = trouble
                .ended
                .map(|ended| ended.duration_since(trouble.begun));
            let lasted = lasted.unwrap_or_default().as_secs_f64();
            writeln!(
                f,
                "{at:6.1} s  {whom:12} {what:22} {lasted:5.1} s  {explained:4} again"
            )?;
        }
        writeln!(
            f,
            "{} recipients, {} acknowledged, {} delivered, {} times again",
            self.recipients, self.acknowledged, self.delivered, self.again
        )?;
        for (what, count) in &self.counts {
            writeln!(f, "{count:7} {what}")?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        write!(f, "faults: {}", self.faults.len())?;
        for fault in self.faults.iter().take(40) {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}
