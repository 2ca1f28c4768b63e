//! Checks where destinations are asked to verify recipients.

use super::Check;
use crate::{
    config::{Chain, Endpoint},
    registry::{RECIPIENT_VERIFICATION, Routes},
};

impl Check<'_> {
    /// Checks that there are destinations to ask, and that they are asked about the final recipients.
    pub(super) fn verification(&mut self, chain: &Chain) {
        let mut filters = chain.filter.iter();
        let is_it = |name: &str| name == RECIPIENT_VERIFICATION;
        let Some(filter) = filters.find(|filter| is_it(&filter.value.name)) else {
            return;
        };
        if !matches!(chain.endpoint, Endpoint::Exploder(_)) {
            let message = format!(
                "chain `{}` asks destinations for recipients, and does not end in an exploder",
                chain.name.value
            );
            let help = "leave `recipient_verification` out: the destination is asked for each recipient here";
            self.wrong(filter, message, Some(help.into()));
            return;
        }
        let after = Routes::of_filters(filters.map(|filter| &filter.value));
        if after.expands.is_some() {
            let message = format!(
                "chain `{}` asks destinations for recipients before it is known who these stand for",
                chain.name.value
            );
            let help = "put `recipient_verification` after the `router` with `aliases` or `srs`";
            self.wrong(filter, message, Some(help.into()));
        }
    }
}
