//! Which recipient has which leg.

use std::collections::{HashMap, hash_map::Entry};

use crate::{path::Parameters, transaction::Rcpt};

/// The recipients so far.
#[derive(Default)]
pub(super) struct Seen {
    /// The only one, as yet: most messages have no other.
    first: Option<Rcpt>,
    legs: HashMap<Key, usize>,
}

/// What tells one recipient from another: the mailbox, and what is asked for it.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    name: String,
    parameters: Parameters,
}

impl Seen {
    /// The leg of the same recipient, if it came before; else it has `leg` from now on.
    pub(super) fn leg_of(&mut self, rcpt: &Rcpt, leg: usize) -> Option<usize> {
        if leg == 0 {
            self.first = Some(rcpt.clone());
            return None;
        }
        if let Some(first) = self.first.take() {
            self.legs.insert(Key::of(&first), 0);
        }
        match self.legs.entry(Key::of(rcpt)) {
            Entry::Occupied(before) => Some(*before.get()),
            Entry::Vacant(new) => {
                new.insert(leg);
                None
            }
        }
    }

    /// Gives the recipient another leg.
    pub(super) fn replace(&mut self, rcpt: &Rcpt, leg: usize) {
        self.legs.insert(Key::of(rcpt), leg);
    }
}

impl Key {
    fn of(rcpt: &Rcpt) -> Self {
        Self {
            name: rcpt.forward_path.name(),
            parameters: rcpt.parameters.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::path::{ForwardPath, Parameter};

    use super::*;

    #[test]
    fn domains_compare_without_case_and_local_parts_exactly() {
        let mut seen = Seen::default();
        let rcpt = |text: &str| Rcpt::new(text.parse::<ForwardPath>().unwrap());
        let mut with_parameter = rcpt("bob@example.com");
        let notify = Parameter::new("NOTIFY", Some("NEVER")).unwrap();
        with_parameter.parameters.push(notify).unwrap();
        let all = [
            (rcpt("bob@example.com"), None),
            (rcpt("bob@EXAMPLE.com"), Some(0)),
            (rcpt("Bob@example.com"), None),
            (rcpt("\"bob\"@example.com"), Some(0)),
            (rcpt("bob@example.org"), None),
            (rcpt("Postmaster"), None),
            (rcpt("postmaster"), Some(5)),
            (rcpt("postmaster@example.com"), None),
            (with_parameter, None),
        ];
        for (leg, (rcpt, expected)) in all.into_iter().enumerate() {
            assert_eq!(seen.leg_of(&rcpt, leg), expected, "{rcpt:?}");
        }
        seen.replace(&rcpt("bob@example.com"), 9);
        assert_eq!(seen.leg_of(&rcpt("bob@example.com"), 10), Some(9));
    }
}
