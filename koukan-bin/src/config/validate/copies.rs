//! Checks where copies of messages go.

use std::collections::BTreeSet;

use super::Check;
use crate::{
    config::{Chain, Filter, Place, Step},
    registry::AddRoute,
};

impl Check<'_> {
    /// Checks that copies go to existing senders, and only one to each.
    pub(super) fn copies(&mut self, chain: &Chain) {
        let mut seen = BTreeSet::new();
        for filter in &chain.filter {
            let Some(route) = AddRoute::of(&filter.value) else {
                continue;
            };
            let sender = route.to_sender();
            let name = placed(filter, "sender", route.sender);
            let tag = route.tag.map(|tag| placed(filter, "tag", tag));
            self.principal(&name, tag.as_ref());
            if seen.contains(&sender) {
                let message = format!(
                    "chain `{}` sends two copies to sender `{sender}`",
                    chain.name.value
                );
                self.wrong(filter, message, Some("leave one of them".into()));
            }
            seen.insert(sender);
        }
    }
}

/// The value of a key, with its place in the file.
fn placed(filter: &Place<Filter>, key: &str, value: String) -> Place<String> {
    Filter::place_of(filter, &[Step::Key(key.to_owned())]).with(value)
}
