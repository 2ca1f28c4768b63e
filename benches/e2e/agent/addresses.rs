//! The addresses on which an agent listens.

use std::net::SocketAddr;

use crate::{
    Failed,
    process::{await_listener, free_address},
    server::Entry,
};

/// Addresses on loopback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) ingress: SocketAddr,
    pub(super) submission: SocketAddr,
    pub(super) rest: SocketAddr,
    /// The router uses this to deliver to SMTP servers.
    pub(super) gateway: SocketAddr,
}

impl Addresses {
    pub(super) fn choose() -> Result<Self, Failed> {
        Ok(Self {
            ingress: free_address()?,
            submission: free_address()?,
            rest: free_address()?,
            gateway: free_address()?,
        })
    }

    pub(super) fn of(&self, entry: Entry) -> SocketAddr {
        match entry {
            Entry::Ingress => self.ingress,
            Entry::Submission => self.submission,
            Entry::Rest => self.rest,
        }
    }

    pub(super) fn wait(&self) -> Result<(), Failed> {
        await_listener(self.ingress)?;
        await_listener(self.submission)?;
        await_listener(self.rest)
    }
}
