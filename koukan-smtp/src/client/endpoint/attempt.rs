//! From a transaction to the host that takes it.

use std::sync::Arc;

use koukan_core::{
    body::BodyError,
    reply::Reply,
    signals::{Destination, HostPort, Signals},
    transaction::Transaction,
};
use tower::BoxError;

use crate::client::{
    ClientError, Connect, Resolve, Wire,
    pool::{Freshness, Lease, Pool},
};

use super::exchange::{Exchange, Failure};

/// What an endpoint's transactions share.
pub(super) struct Attempts<C: Connect, R> {
    pub(super) destination: Option<Arc<Destination>>,
    pub(super) pool: Pool<C, R>,
}

/// No host is known for a transaction: neither the settings nor a routing filter named one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no destination is known for the transaction")]
pub struct NoDestination;

/// What came of one host.
enum Outcome {
    /// The transaction has ended.
    Ended(Result<Reply, BodyError>),
    /// No session came about; another host may be tried.
    Unreached(ClientError),
}

impl<C: Connect, R: Resolve> Attempts<C, R> {
    pub(super) async fn deliver(&self, transaction: Transaction) -> Result<Reply, BoxError> {
        let signals = transaction.signals.clone();
        let mut exchange = Exchange::new(transaction);
        let Some(destination) = self.destination(&signals, &mut exchange).await? else {
            return if exchange.is_without_recipients() {
                Ok(Reply::no_valid_recipients())
            } else {
                Err(NoDestination.into())
            };
        };
        let mut failure = None;
        for host in &destination.hosts {
            match self.deliver_to(host, &mut exchange).await {
                Outcome::Ended(result) => return Ok(result?),
                Outcome::Unreached(error) => {
                    tracing::debug!(%host, %error, "no session with the host");
                    failure = Some(error);
                }
            }
        }
        Ok(failure.ok_or(NoDestination)?.into())
    }

    /// Finds out where to deliver, as soon as that can be known.
    async fn destination(
        &self,
        signals: &Signals,
        exchange: &mut Exchange,
    ) -> Result<Option<Arc<Destination>>, BodyError> {
        let known = self.destination.clone().or_else(|| signals.find());
        if known.is_some() {
            return Ok(known);
        }
        exchange.wait_for_recipient().await?;
        Ok(signals.find())
    }

    async fn deliver_to(&self, host: &HostPort, exchange: &mut Exchange) -> Outcome {
        let mut freshness = Freshness::Any;
        loop {
            let mut lease = match self.pool.checkout(host, freshness).await {
                Ok(lease) => lease,
                Err(error) if error.leaves_hope() => return Outcome::Unreached(error),
                Err(error) => return Outcome::Ended(Ok(error.into())),
            };
            let result = exchange.run(lease.connection()).await;
            if lease.is_reused() && is_lost(&result) && exchange.rewind() {
                tracing::debug!(%host, "a kept connection was dead");
                freshness = Freshness::New;
                continue;
            }
            return Outcome::Ended(settle(result, lease, exchange));
        }
    }
}

/// Keeps the connection if it can be used again, and names the host in replies of our own.
fn settle<Io: Wire>(
    result: Result<Reply, Failure>,
    mut lease: Lease<Io>,
    exchange: &Exchange,
) -> Result<Reply, BodyError> {
    let connection = lease.connection();
    let is_sound = match &result {
        Ok(reply) => !reply.closes_connection(),
        Err(Failure::Intake(_) | Failure::Client(ClientError::Unsendable(_))) => true,
        Err(Failure::Client(_)) => false,
    };
    let is_reusable = is_sound && exchange.is_settled() && connection.is_quiet();
    let result = match result {
        Ok(reply) => Ok(reply),
        Err(Failure::Intake(error)) => Err(error),
        Err(Failure::Client(error)) => {
            tracing::debug!(address = %connection.remote().address, %error, "delivery failed");
            Ok(connection.sign(error.into()))
        }
    };
    if is_reusable {
        lease.park();
    }
    result
}

/// Whether the server has closed the connection, with or without a word.
fn is_lost(result: &Result<Reply, Failure>) -> bool {
    match result {
        Ok(reply) => reply.closes_connection(),
        Err(Failure::Client(error)) => error.is_disconnect(),
        Err(Failure::Intake(_)) => false,
    }
}
