//! The chains for recipients.

use std::collections::HashMap;

use crate::{context::Sender, path::domain_key, service::BoxMailService};

/// The chains by the recipients' domains.
#[derive(Debug, Clone)]
pub(super) struct Routes {
    by_domain: HashMap<Box<str>, Route>,
    other: Route,
}

/// A sender, and its chain.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) sender: Sender,
    pub(super) chain: BoxMailService,
}

impl Routes {
    pub(super) fn new(other: Route) -> Self {
        Self {
            by_domain: HashMap::new(),
            other,
        }
    }

    pub(super) fn add(&mut self, domain: &str, route: Route) {
        let domain = domain_key(domain).into();
        self.by_domain.insert(domain, route);
    }

    /// The route for a domain, which is in lower case.
    pub(super) fn of(&self, domain: &str) -> &Route {
        self.by_domain.get(domain).unwrap_or(&self.other)
    }
}
