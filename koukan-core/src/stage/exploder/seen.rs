//! Which leg belongs to which recipient.

use crate::{few::Few, path::Parameters, transaction::Rcpt};

/// The recipients so far.
///
/// They are compared one by one, by a number first. For hundreds of recipients that is less work
/// than a map, and a message may have at most a few thousand.
#[derive(Default)]
pub(super) struct Seen(Few<Known>);

struct Known {
    fingerprint: u64,
    rcpt: Rcpt,
    /// The leg of a recipient that was named directly; `None` for an alias.
    leg: Option<usize>,
}

impl Seen {
    /// The existing leg of the same recipient; otherwise it has `leg` from now on.
    pub(super) fn leg_of(&mut self, rcpt: &Rcpt, leg: usize) -> Option<usize> {
        let fingerprint = rcpt.forward_path.fingerprint();
        if let Some(known) = self.find(rcpt, fingerprint) {
            return known.leg;
        }
        self.push(rcpt, fingerprint, Some(leg));
        None
    }

    /// Whether a member is new: it was neither named directly, nor is it a member of another alias with the same
    /// requests; a different ORCPT does not count. It is known from now on.
    pub(super) fn is_new_member(&mut self, rcpt: &Rcpt) -> bool {
        let fingerprint = rcpt.forward_path.fingerprint();
        let is_same = |known: &Known| {
            known.rcpt.forward_path.is_same(&rcpt.forward_path)
                && (known.leg.is_some()
                    || but_original(&known.rcpt.parameters) == but_original(&rcpt.parameters))
        };
        let mut known = self.0.iter();
        if known.any(|known| known.fingerprint == fingerprint && is_same(known)) {
            return false;
        }
        self.push(rcpt, fingerprint, None);
        true
    }

    fn push(&mut self, rcpt: &Rcpt, fingerprint: u64, leg: Option<usize>) {
        self.0.push(Known {
            fingerprint,
            rcpt: rcpt.clone(),
            leg,
        });
    }

    /// How many recipients there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives the recipient another leg.
    pub(super) fn replace(&mut self, rcpt: &Rcpt, leg: usize) {
        if let Some(known) = self.find(rcpt, rcpt.forward_path.fingerprint()) {
            known.leg = Some(leg);
        }
    }

    fn find(&mut self, rcpt: &Rcpt, fingerprint: u64) -> Option<&mut Known> {
        let mut known = self.0.iter_mut();
        known.find(|known| known.fingerprint == fingerprint && is_again(&known.rcpt, rcpt))
    }
}

/// Whether it is the same mailbox, and the same is asked for it.
pub(super) fn is_again(known: &Rcpt, rcpt: &Rcpt) -> bool {
    known.forward_path.is_same(&rcpt.forward_path) && known.parameters == rcpt.parameters
}

/// The requests for a recipient, except its original address.
fn but_original(parameters: &Parameters) -> Parameters {
    let mut parameters = parameters.clone();
    parameters.remove("ORCPT");
    parameters
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

    #[test]
    fn members_of_several_are_one_recipient_whoever_stands_for_them() {
        let rcpt = |asked: &[(&str, &str)]| {
            let mut rcpt = Rcpt::new("bob@example.com".parse::<ForwardPath>().unwrap());
            for (keyword, value) in asked {
                let parameter = Parameter::new(keyword, Some(value)).unwrap();
                rcpt.parameters.push(parameter).unwrap();
            }
            rcpt
        };
        let of_sales = rcpt(&[("ORCPT", "rfc822;sales@example.com")]);
        let of_team = rcpt(&[("ORCPT", "rfc822;team@example.com")]);
        let own = rcpt(&[]);
        let silent = rcpt(&[("NOTIFY", "NEVER"), ("ORCPT", "rfc822;team@example.com")]);
        let mut seen = Seen::default();
        assert!(seen.is_new_member(&of_sales));
        assert!(!seen.is_new_member(&of_team));
        assert!(seen.is_new_member(&silent));
        assert!(!seen.is_new_member(&silent));
        // Who is named himself is no member, whatever he asks for.
        let mut seen = Seen::default();
        assert_eq!(seen.leg_of(&own, 0), None);
        assert!(!seen.is_new_member(&of_team));
        assert!(!seen.is_new_member(&silent));
        // A client that names one for two others has said so.
        let mut seen = Seen::default();
        assert_eq!(seen.leg_of(&of_sales, 0), None);
        assert_eq!(seen.leg_of(&of_team, 1), None);
    }
}
