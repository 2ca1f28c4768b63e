//! What is measured of a server between the generator and the sink.

use std::net::SocketAddr;

/// How messages are submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// SMTP, delivered while the client waits.
    Ingress,
    /// SMTP, queued if the destination is down.
    Submission,
    /// HTTP.
    Rest,
}

/// A running server; what it cannot measure has a default.
pub(crate) trait Server {
    fn address(&self, entry: Entry) -> SocketAddr;

    /// Processor time so far: of each of its processes, or of all together.
    fn cpu_seconds(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The largest resident memory of each of its processes.
    fn memory_mib(&self) -> Vec<f64> {
        Vec::new()
    }

    /// How much it wrote to storage so far.
    fn written_kib(&self) -> Option<f64> {
        None
    }

    /// Calls so far that sync data to disk.
    fn syncs(&self) -> Option<u64> {
        None
    }

    /// Whether queued mail is delivered within seconds once the destination is up.
    fn retries_soon(&self) -> bool {
        true
    }

    /// Present resident memory of all its processes, with shared memory counted once.
    fn proportional_mib(&self) -> Option<f64> {
        None
    }

    /// Suspends the server until it is resumed.
    fn pause(&self) {}

    /// Resumes the server.
    fn resume(&self) {}
}
