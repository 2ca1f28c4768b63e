//! One service for each connection.

use std::net::SocketAddr;

use koukan_core::service::MailService;

/// A connection, as it is known when it was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// The address of the client, where the transport has one.
    pub remote_host: Option<SocketAddr>,
    /// The address that the client connected to.
    pub local_host: Option<SocketAddr>,
}

/// Makes the [`MailService`] for a connection: called once for each, its clone for each mail
/// transaction.
///
/// Implemented by every closure of the right shape, and by [`Shared`], which gives the same
/// service to all.
pub trait MakeMailService: Send + Sync + 'static {
    /// The service made.
    type Service: MailService;

    /// Makes the service.
    fn make(&self, connected: &Connected) -> Self::Service;
}

impl<F, S> MakeMailService for F
where
    F: Fn(&Connected) -> S + Send + Sync + 'static,
    S: MailService,
{
    type Service = S;

    fn make(&self, connected: &Connected) -> S {
        self(connected)
    }
}

/// Gives a clone of one service to every connection.
#[derive(Debug, Clone)]
pub struct Shared<S>(pub S);

impl<S: MailService> MakeMailService for Shared<S> {
    type Service = S;

    fn make(&self, _: &Connected) -> S {
        self.0.clone()
    }
}
