//! What holds for single hosts.

use std::collections::HashMap;

use koukan_core::signals::HostPort;

/// Something for each of some hosts, whose names are the same in capitals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByHost<T>(HashMap<HostPort, T>);

impl<T> ByHost<T> {
    /// Sets what holds for a host, in place of what was set before.
    pub(super) fn set(&mut self, host: &HostPort, what: T) {
        self.0.insert(host.to_lower_case(), what);
    }

    /// What holds for a host, if anything does.
    pub(super) fn find(&self, host: &HostPort) -> Option<&T> {
        // The usual case costs nothing.
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
