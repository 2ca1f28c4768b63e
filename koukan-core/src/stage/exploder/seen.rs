//! Which recipient has which leg.

use crate::{few::Few, path::Parameters, transaction::Rcpt};

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
        self.leg(rcpt, leg, false)
    }

    /// As [`Seen::leg_of`], of one for which another recipient stands: which of them that is, as its ORCPT says, makes it
    /// no other.
    pub(super) fn leg_of_member(&mut self, rcpt: &Rcpt, leg: usize) -> Option<usize> {
        self.leg(rcpt, leg, true)
    }

    fn leg(&mut self, rcpt: &Rcpt, leg: usize, is_member: bool) -> Option<usize> {
        let fingerprint = rcpt.forward_path.fingerprint();
        if let Some(known) = self.find(rcpt, fingerprint, is_member) {
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
    pub(super) fn replace(&mut self, rcpt: &Rcpt, leg: usize, is_member: bool) {
        if let Some(known) = self.find(rcpt, rcpt.forward_path.fingerprint(), is_member) {
            known.leg = leg;
        }
    }

    fn find(&mut self, rcpt: &Rcpt, fingerprint: u64, is_member: bool) -> Option<&mut Known> {
        let mut known = self.0.iter_mut();
        known.find(|known| known.fingerprint == fingerprint && known.is(rcpt, is_member))
    }
}

impl Known {
    /// Whether it is the same mailbox, and the same is asked for it.
    fn is(&self, rcpt: &Rcpt, is_member: bool) -> bool {
        self.rcpt.forward_path.is_same(&rcpt.forward_path)
            && (self.rcpt.parameters == rcpt.parameters
                || is_member
                    && but_original(&self.rcpt.parameters) == but_original(&rcpt.parameters))
    }
}

/// What is asked for a recipient, but for who it was at first.
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
        seen.replace(&rcpt("bob@example.com"), 9, false);
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
        assert_eq!(seen.leg_of_member(&of_sales, 0), None);
        assert_eq!(seen.leg_of_member(&of_team, 1), Some(0));
        assert_eq!(seen.leg_of_member(&silent, 1), None);
        // Who names it himself hears its own replies.
        assert_eq!(seen.leg_of(&own, 2), None);
        let mut seen = Seen::default();
        assert_eq!(seen.leg_of(&own, 0), None);
        assert_eq!(seen.leg_of_member(&of_team, 1), Some(0));
        // A client that names one for two others has said so.
        let mut seen = Seen::default();
        assert_eq!(seen.leg_of(&of_sales, 0), None);
        assert_eq!(seen.leg_of(&of_team, 1), None);
    }
}
