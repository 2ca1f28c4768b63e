//! One reply that stands for several.

use super::Reply;

impl Reply {
    /// The reply that stands for these refusals: the first transient one (4yz), or else the first.
    /// `None` where there are none.
    ///
    /// A mail transaction in which every recipient was refused ends with it. A final reply that
    /// nobody gave could turn a transient failure into a permanent one.
    pub fn standing_for<'a>(refusals: impl IntoIterator<Item = &'a Self>) -> Option<&'a Self> {
        let mut first = None;
        for refusal in refusals {
            if refusal.is_transient() {
                return Some(refusal);
            }
            first = first.or(Some(refusal));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hope_goes_before_order() {
        let (never, again) = (Reply::no_such_user(), Reply::mailbox_busy());
        let later = Reply::local_error();
        for (refusals, standing) in [
            (vec![], None),
            (vec![&never], Some(&never)),
            (vec![&never, &again, &later], Some(&again)),
            (vec![&later, &again], Some(&later)),
        ] {
            assert_eq!(Reply::standing_for(refusals), standing);
        }
    }
}
