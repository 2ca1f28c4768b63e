//! What is measured of a server between the generator and the sink.

use std::net::SocketAddr;

/// Where messages go in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// SMTP, delivered while the client waits.
    Ingress,
    /// SMTP, kept where the destination is not there.
    Submission,
    /// HTTP.
    Rest,
}

/// A running server; what it cannot tell has a default.
pub(crate) trait Server {
    fn address(&self, entry: Entry) -> SocketAddr;

    /// Processor time of each of its processes so far, or of all.
    fn cpu_seconds(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Resident memory of each of its processes, at most.
    fn memory_mib(&self) -> Vec<f64> {
        Vec::new()
    }

    /// What it wrote to storage so far.
    fn written_kib(&self) -> Option<f64> {
        None
    }

    /// Calls so far that bring octets to the medium.
    fn syncs(&self) -> Option<u64> {
        None
    }

    /// Whether what it keeps is delivered within seconds once the destination is there.
    fn retries_soon(&self) -> bool {
        true
    }

    /// Resident memory of all its processes now, with what they share counted once.
    fn proportional_mib(&self) -> Option<f64> {
        None
    }

    /// Stands still until it is resumed.
    fn pause(&self) {}

    /// Goes on.
    fn resume(&self) {}
}
