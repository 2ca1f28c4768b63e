//! From a transaction to the host that accepts it.

use std::sync::Arc;

use koukan_core::{
    body::BodyError,
    message::downgrade::Signatures,
    network::Wire,
    rate::{OverRate, Promise, Rate},
    reply::{Extensions, RemoteMta, Reply},
    signals::{Departure, Destination, Forced, HostPort, NamedBy, Queued, Signals, TlsRequired},
    transaction::Transaction,
};
use tower::BoxError;

use crate::client::{
    ClientError, Guard, HostFailure, Place,
    mail_hosts::MailHosts,
    pool::{Freshness, Lease, Lent, Pool, Turn},
    security::{Asked, Terms},
};

use super::{
    exchange::{Exchange, Failure},
    met::Met,
};

/// What all transactions of an endpoint share.
pub(super) struct Attempts {
    pub(super) destination: Option<Arc<Destination>>,
    pub(super) pool: Pool,
    pub(super) guard: Guard,
    pub(super) downgrade: Option<Signatures>,
}

/// No host is known for a transaction: neither the settings nor a routing filter named one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no destination is known for the transaction")]
pub struct NoDestination;

/// Who named a host.
#[derive(Debug, Clone, Copy)]
enum Naming {
    /// The DNS, for a domain. If it says that there is no such host, that is final.
    ByDomain,
    /// Somebody who may have made a mistake, so a host that does not exist may be known later.
    Chosen,
}

/// The outcome at one host.
enum Outcome {
    /// The transaction has ended.
    Ended(Result<Reply, BodyError>),
    /// The host has answered for no recipient, so another one may be tried. The reply is used if
    /// there is no other host. Also says whether the host was tried.
    Unreached(Reply, bool),
}

impl Attempts {
    /// Delivers a transaction. The end of its message is sent only if `departure` allows it.
    pub(super) async fn deliver(
        &self,
        transaction: Transaction,
        departure: Option<Arc<Departure>>,
    ) -> Result<Reply, BoxError> {
        let signals = transaction.signals.clone();
        let holdings = transaction.body.holdings();
        let client = transaction.context.client();
        let mut exchange = Exchange::new(transaction, departure).with_downgrade(self.downgrade);
        let Some(destination) = self.destination(&signals, &mut exchange).await? else {
            return if exchange.is_without_recipients() {
                Ok(Reply::no_valid_recipients())
            } else {
                Err(NoDestination.into())
            };
        };
        let named_by = destination.named_by;
        let (guard, naming) = match named_by {
            NamedBy::Operator => (None, Naming::Chosen),
            NamedBy::Other => (Some(&self.guard), Naming::Chosen),
            NamedBy::Domain => (Some(&self.guard), Naming::ByDomain),
        };
        // Nothing is held during the look-up: neither a connection nor the permit for one.
        let (destination, asked, is_cut) = match named_by {
            NamedBy::Domain if !self.pool.is_lmtp() => {
                let waived = signals.find_durable::<TlsRequired>();
                let is_waived = matches!(waived, Ok(Some(TlsRequired(false))));
                let guard = (!is_waived || exchange.is_requiretls()).then_some(&self.guard);
                let found = self.pool.mail_hosts(&destination.hosts, guard);
                match found.await {
                    Ok(MailHosts {
                        hosts,
                        asked,
                        is_cut,
                    }) => (Arc::new(Destination::of_other(hosts)), asked, is_cut),
                    Err(none) => {
                        tracing::info!(reply = %none.0, "no host takes mail for a domain");
                        return Ok(none.0);
                    }
                }
            }
            _ => (destination, Vec::new(), false),
        };
        let is_queued = signals.find::<Queued>().is_some();
        let is_forced = signals.find::<Forced>().is_some();
        let promise = signals.find::<Promise>();
        let turn = |may_wait| {
            let turn = Turn::new(may_wait, holdings.clone()).of_client(client.clone());
            let turn = turn.of_queued(is_queued).forced(is_forced);
            turn.promised(promise.as_deref().cloned())
        };
        let mut others = is_cut;
        let mut full = None;
        let mut met = Met::default();
        for (index, host) in destination.hosts.iter().enumerate() {
            if matches!(naming, Naming::ByDomain) && met.is_enough() {
                others = true;
                break;
            }
            // To try another host that has room is better than to wait for this one.
            let may_wait = destination.hosts.len() == 1;
            let mut turn = turn(may_wait);
            let way = (host, guard, naming, asked.get(index));
            met.begin();
            let delivered = self.deliver_securely(way, &mut turn, &mut exchange);
            match delivered.await {
                Outcome::Ended(result) => return Ok(result?),
                Outcome::Unreached(reply, is_tried) => {
                    met.add(&reply);
                    if full.is_none() && turn.is_refused() && !turn.is_waiting() {
                        // This host is tried once more at the end.
                        full = Some(index);
                        continue;
                    }
                    met.give_up(reply, is_tried);
                }
            }
        }
        if let Some(index) = full {
            let (mut turn, host) = (turn(true), &destination.hosts[index]);
            let way = (host, guard, naming, asked.get(index));
            let delivered = self.deliver_securely(way, &mut turn, &mut exchange);
            match delivered.await {
                Outcome::Ended(result) => return Ok(result?),
                Outcome::Unreached(reply, is_tried) => {
                    met.add(&reply);
                    met.give_up(reply, is_tried);
                }
            }
        }
        Ok(met.told(others).ok_or(NoDestination)?)
    }

    /// Finds out where to deliver, as soon as this can be known.
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

    /// Finds out which TLS a host requires, and then tries the host. Nothing is held during the
    /// first step.
    async fn deliver_securely(
        &self,
        (host, guard, naming, asked): (&HostPort, Option<&Guard>, Naming, Option<&Asked>),
        turn: &mut Turn,
        exchange: &mut Exchange,
    ) -> Outcome {
        let is_requiretls = exchange.is_requiretls() && !self.pool.is_lmtp();
        match self.pool.security_for(host, asked, is_requiretls).await {
            Ok(security) => {
                let terms = Terms {
                    guard,
                    security: &security,
                    identity: self.pool.identity(host, guard.is_none()),
                };
                self.deliver_to(host, (terms, naming), turn, exchange).await
            }
            Err(failure) => {
                let is_tried = !failure.is_untried();
                Outcome::Unreached(failure.into_reply(), is_tried)
            }
        }
    }

    /// Tries the addresses of a host until one of them has refused MAIL or answered for a
    /// recipient.
    async fn deliver_to(
        &self,
        host: &HostPort,
        (terms, naming): (Terms<'_>, Naming),
        turn: &mut Turn,
        exchange: &mut Exchange,
    ) -> Outcome {
        let mut turn_at_host = match self.pool.rate_of(host) {
            None => None,
            Some(rate) => match rate.reserve(turn.promise()) {
                Some(reserved) => Some(reserved),
                // What exceeds this host's rate must not go to another host instead.
                None => return Outcome::Ended(Ok(over_rate(host, rate))),
            },
        };
        let mut freshness = Freshness::Any;
        let mut failed = Vec::new();
        let mut last = None;
        let mut lent: Option<Lent<_>> = None;
        loop {
            let checkout = self.pool.checkout(host, freshness, &failed, terms, turn);
            let lease = match checkout.await {
                Ok(lease) => lease,
                Err(failure) => {
                    let failure = match exchange.is_requiretls() && !self.pool.is_lmtp() {
                        true => failure.for_requiretls(),
                        false => failure,
                    };
                    let is_tried = !failed.is_empty() || !failure.is_untried();
                    let last = last.filter(|_| failure.is_no_address());
                    let of_failure = || match naming {
                        Naming::ByDomain => failure.into_reply_of_mail_host(),
                        Naming::Chosen => failure.into_reply(),
                    };
                    return Outcome::Unreached(last.unwrap_or_else(of_failure), is_tried);
                }
            };
            if let Some(reserved) = turn_at_host.take() {
                reserved.spend();
            }
            let mut conversation = Conversation::new(lease, exchange, &self.pool, host);
            let result = conversation.run().await;
            let (is_reused, remote) = (conversation.is_reused, conversation.remote.clone());
            if conversation.exchange.is_host_suspect(&result) {
                self.pool.suspect(host);
            }
            let is_timeout = is_timeout(&result);
            let silent = is_timeout.then(|| self.pool.was_silent(host)).flatten();
            let may_rewind = is_hosts_fault(&result) || conversation.exchange.is_turned_away();
            let is_closing = is_closing(&result);
            let may_be_full = !is_reused && !conversation.exchange.is_begun();
            let mut has_no_room = false;
            if let Some(lent) = lent.take_if(|_| is_reused) {
                match (&result, is_closing) {
                    (Ok(_), false) => lent.keep(),
                    (Ok(_), true) => lent.refute(),
                    (Err(_), _) => {}
                }
            } else if may_be_full && is_closing && lent.is_none() {
                // Some hosts say only at MAIL that they have no room.
                lent = conversation.lend_place();
                has_no_room = lent.is_some();
            }
            let result = conversation.end(result);
            if !may_rewind || !exchange.rewind() {
                let result = result.map(|reply| match silent {
                    Some(silent) => reply.with_extension(silent),
                    None => reply,
                });
                return Outcome::Ended(result.map(|reply| exchange.told(reply)));
            }
            if has_no_room && self.pool.waits(turn) {
                continue;
            }
            // The kept connection may have been dead, so the host is tried again with a new one.
            freshness = Freshness::New;
            if !is_reused {
                failed.push(remote.address);
                last = result.ok();
            }
        }
    }
}

/// The reply if a host accepts no more messages at the moment.
fn over_rate(host: &HostPort, rate: &Rate) -> Reply {
    let failure = HostFailure::new(Place::Host(host.clone()), ClientError::OverRate);
    let rate = rate.clone();
    failure.into_reply().with_extension(OverRate { rate })
}

/// A transaction on a connection. The connection is left in good order even if the transaction is
/// dropped.
struct Conversation<'a, Io: Wire> {
    /// `None` once the connection was left.
    lease: Option<Lease<Io>>,
    remote: RemoteMta,
    is_reused: bool,
    exchange: &'a mut Exchange,
    pool: &'a Pool,
    host: &'a HostPort,
}

impl<'a, Io: Wire> Conversation<'a, Io> {
    fn new(
        mut lease: Lease<Io>,
        exchange: &'a mut Exchange,
        pool: &'a Pool,
        host: &'a HostPort,
    ) -> Self {
        let told = lease.connection().capabilities().limits.rcpt_max;
        let told = told.and_then(|max| usize::try_from(max).ok());
        let own = pool.max_recipients_of(host);
        exchange.set_recipients_max(told.map_or(own, |max| own.min(max)));
        Self {
            pool,
            host,
            remote: lease.connection().remote().clone(),
            is_reused: lease.is_reused(),
            lease: Some(lease),
            exchange,
        }
    }

    async fn run(&mut self) -> Result<Reply, Failure> {
        let lease = self.lease.as_mut();
        let lease = lease.expect("the connection is left after the conversation only");
        let is_suspect = lease.is_suspect();
        let exchange = &mut *self.exchange;
        exchange
            .run(lease.connection(), is_suspect, self.is_reused)
            .await
    }

    /// Gives up the connection's place, if there are other connections to the host.
    fn lend_place(&mut self) -> Option<Lent<Io>> {
        self.lease.as_mut().and_then(Lease::lend_place)
    }

    /// Leaves the connection, and names the host in replies of our own. A 421 was about this
    /// connection, not about the client's.
    fn end(mut self, result: Result<Reply, Failure>) -> Result<Reply, BodyError> {
        let heard = match (&result, &mut self.lease) {
            (Err(Failure::Client(_)), Some(lease)) => lease.connection().heard(),
            _ => Extensions::default(),
        };
        self.leave(Some(&result));
        match result {
            Ok(reply) if reply.closes_connection() => {
                let (host, phase) = (Place::Address(self.remote.clone()), self.exchange.phase());
                tracing::info!(%host, %phase, %reply, "a host closed the session");
                Ok(reply.relayed())
            }
            Ok(reply) => {
                let address = &self.remote.address;
                tracing::debug!(%address, %reply, "transaction has ended");
                Ok(reply.relayed())
            }
            Err(Failure::Intake(error)) => Err(error),
            Err(Failure::Client(error)) => {
                let failure = HostFailure::new(Place::Address(self.remote.clone()), error);
                tracing::info!(error = %failure, "delivery to a host failed");
                Ok(failure.heard(heard).into_reply())
            }
        }
    }

    fn leave(&mut self, result: Option<&Result<Reply, Failure>>) {
        if let Some(mut lease) = self.lease.take() {
            let parting = self.exchange.parting(result, lease.connection());
            lease.connection().end_recording();
            lease.part(parting);
        }
    }
}

impl<Io: Wire> Drop for Conversation<'_, Io> {
    fn drop(&mut self) {
        let lease = self.lease.as_mut();
        if let Some((phase, silence)) = lease.and_then(|lease| lease.connection().silence()) {
            self.pool.was_left(self.host, phase, silence);
        }
        self.leave(None);
    }
}

/// Whether the host has closed the connection with 421.
fn is_closing(result: &Result<Reply, Failure>) -> bool {
    result.as_ref().is_ok_and(Reply::closes_connection)
}

/// Whether the host has been silent for too long.
fn is_timeout(result: &Result<Reply, Failure>) -> bool {
    matches!(result, Err(Failure::Client(ClientError::Timeout(_))))
}

/// Whether the host, and not its client, has failed, or has refused to go on.
fn is_hosts_fault(result: &Result<Reply, Failure>) -> bool {
    match result {
        Ok(reply) => reply.closes_connection(),
        Err(Failure::Client(error)) => error.is_hosts_fault(),
        Err(Failure::Intake(_)) => false,
    }
}
