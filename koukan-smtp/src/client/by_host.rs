//! Settings for single hosts.

use std::collections::HashMap;

use koukan_core::signals::HostPort;

/// A value for each of some hosts; the case of host names does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByHost<T>(HashMap<HostPort, T>);

impl<T> ByHost<T> {
    /// Sets the value for a host; replaces an earlier one.
    pub(super) fn set(&mut self, host: &HostPort, what: T) {
        self.0.insert(host.to_lower_case(), what);
    }

    /// The value for a host, if there is one.
    pub(super) fn find(&self, host: &HostPort) -> Option<&T> {
        // The usual case: no host has a value.
        if self.0.is_empty() {
            return None;
        }
        match host.host.bytes().any(|octet| octet.is_ascii_uppercase()) {
            true => self.0.get(&host.to_lower_case()),
            false => self.0.get(host),
        }
    }
}

impl<T> Default for ByHost<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}
