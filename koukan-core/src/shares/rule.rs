//! The rule that grants or refuses.

/// The part of all that is the headroom: an eighth.
const HEADROOM: u64 = 8;
/// Below that there is none: everybody may have all.
const SHARED_FROM: u64 = 4;

/// The state before a grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// How much there is.
    pub(super) total: u64,
    /// How much all have.
    pub(super) used: u64,
    /// How many holders have something, including the one that asks.
    pub(super) holders: u64,
    /// The amount of the holder that asks.
    pub(super) held: u64,
}

impl Standing {
    /// Whether `amount` more is granted.
    pub(super) fn grants(self, amount: u64) -> bool {
        let Some(free) = self.total.checked_sub(self.used.saturating_add(amount)) else {
            return false;
        };
        let headroom = match self.total {
            SHARED_FROM.. => self.total.div_ceil(HEADROOM),
            _ => 0,
        };
        free >= headroom || self.is_below_share(amount, free)
    }

    fn is_below_share(self, amount: u64, free: u64) -> bool {
        let after = self.held + amount;
        // Another holder may always come.
        let share = self.total / self.holders.max(2);
        let leaves_some = self.held == 0 || after <= free.saturating_mul(HEADROOM - 1);
        after <= share.max(1) && leaves_some
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::all_but_the_headroom_goes_to_anybody(800, 699, 1, 699, true)]
    #[case::one_alone_leaves_the_headroom(800, 700, 1, 700, false)]
    #[case::a_newcomer_is_let_in(800, 700, 2, 0, true)]
    #[case::also_to_the_last_place(800, 799, 2, 0, true)]
    #[case::but_not_beyond(800, 800, 2, 0, false)]
    #[case::who_has_little_gets_more(800, 750, 2, 50, true)]
    #[case::and_leaves_some(800, 799, 2, 99, false)]
    #[case::who_has_an_equal_share_does_not(800, 700, 4, 200, false)]
    #[case::many_equals_fill_it(800, 780, 100, 7, true)]
    #[case::of_a_few_all_is_for_anybody(3, 2, 1, 2, true)]
    #[case::of_four_one_is_left(4, 3, 1, 3, false)]
    #[case::nothing_is_nothing(0, 0, 1, 0, false)]
    fn one_more(
        #[case] total: u64,
        #[case] used: u64,
        #[case] holders: u64,
        #[case] held: u64,
        #[case] expected: bool,
    ) {
        let standing = Standing {
            total,
            used,
            holders,
            held,
        };
        assert_eq!(standing.grants(1), expected);
    }

    #[test]
    fn a_first_charge_is_no_larger_than_an_equal_share() {
        let standing = Standing {
            total: 800,
            used: 650,
            holders: 8,
            held: 0,
        };
        assert!(standing.grants(100));
        assert!(!standing.grants(101));
        assert!(!standing.grants(u64::MAX));
    }
}
