//! Which recipient has which leg.

use crate::{few::Few, transaction::Rcpt};

/// The recipients so far.
///
/// They are compared one by one, by a number first: for hundreds of recipients that is less work
/// than a map, and a message may have no more than some thousand.
#[derive(Default)]
pub(super) struct Seen(Few<Known>);

struct Known {
    fingerprint: u64,
    rcpt: Rcpt,
    leg: usize,
}

impl Seen {
    /// The leg of the same recipient, if it came before; else it has `leg` from now on.
    pub(super) fn leg_of(&mut self, rcpt: &Rcpt, leg: usize) -> Option<usize> {
        let fingerprint = rcpt.forward_path.fingerprint();
        if let Some(known) = self.find(rcpt, fingerprint) {
            return Some(known.leg);
        }
        self.0.push(Known {
            fingerprint,
            rcpt: rcpt.clone(),
            leg,
        });
        None
    }

    /// How many recipients there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives the recipient another leg.
    pub(super) fn replace(&mut self, rcpt: &Rcpt, leg: usize) {
        if let Some(known) = self.find(rcpt, rcpt.forward_path.fingerprint()) {
            known.leg = leg;
        }
    }

    fn find(&mut self, rcpt: &Rcpt, fingerprint: u64) -> Option<&mut Known> {
        let mut known = self.0.iter_mut();
        known.find(|known| known.fingerprint == fingerprint && known.is(rcpt))
    }
}

impl Known {
    /// Whether it is the same mailbox, and the same is asked for it.
    fn is(&self, rcpt: &Rcpt) -> bool {
        self.rcpt.forward_path.is_same(&rcpt.forward_path)
            && self.rcpt.parameters == rcpt.parameters
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
