//! By which chains mail goes.

use std::collections::HashMap;

use crate::{context::Sender, service::BoxMailService};

/// The chains of recipients, by their domains.
#[derive(Debug, Clone)]
pub(super) struct Routes {
    by_domain: HashMap<Box<str>, Route>,
    other: Route,
}

/// On whose behalf, and through which chain.
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
        let domain = domain.to_ascii_lowercase().into();
        self.by_domain.insert(domain, route);
    }

    /// That of a domain, in lower case.
    pub(super) fn of(&self, domain: &str) -> &Route {
        self.by_domain.get(domain).unwrap_or(&self.other)
    }
}
