//! The service.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use serde_json::{Value, json};
use tower::Service;

use crate::{
    context::Sender,
    path::ForwardPath,
    reply::{Rejection, Reply},
    service::MailService,
    signals::{Destination, Expansions, NextSender, Signals, TraceId},
    transaction::{Command, Rcpt, Transaction},
};

use super::{Decision, HostList, Policy};

/// The durable signal of a dry run.
const DRY_RUN: &str = "router.dry_run";

/// Passes the recipients that its policy knows, and signals their destination.
#[derive(Debug, Clone)]
pub struct Router<S> {
    inner: S,
    policy: Arc<dyn Policy>,
    manner: Manner,
}

/// The settings of a router.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// Unknown recipients are left to others.
    pub(super) passes_unknown: bool,
    /// No Exploder below makes parts for recipients that stand for others.
    pub(super) has_no_exploder: bool,
    /// It only reports what it would do.
    pub(super) is_dry: bool,
}

/// The positions of recipients that a router has decided about, for routers after it.
#[derive(Debug, Default)]
struct Decided(Mutex<HashSet<usize>>);

impl<S> Router<S> {
    pub(super) fn new(inner: S, policy: Arc<dyn Policy>, manner: Manner) -> Self {
        Self {
            inner,
            policy,
            manner,
        }
    }
}

impl<S: MailService> Service<Transaction> for Router<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, transaction: Transaction) -> S::Future {
        let (policy, manner) = (Arc::clone(&self.policy), self.manner);
        let signals = transaction.signals.clone();
        let routed = transaction.map_recipients(move |recipients| {
            recipients.filter_map(move |rcpt| match route(&*policy, manner, &signals, &rcpt) {
                Ok(()) => Some(rcpt),
                Err(rejection) => {
                    rcpt.answer(rejection.into_reply());
                    None
                }
            })
        });
        self.inner.call(routed)
    }
}

fn route(
    policy: &dyn Policy,
    manner: Manner,
    signals: &Signals,
    rcpt: &Command<Rcpt>,
) -> Result<(), Rejection> {
    let position = rcpt.position();
    let decided = signals.find::<Decided>();
    if decided.is_some_and(|decided| decided.has(position)) {
        return Ok(());
    }
    let decision = match policy.decide(rcpt.forward_path()) {
        // Such a recipient would go nowhere, or to itself.
        Decision::Expand(members) if members.is_empty() || manner.has_no_exploder => {
            let (id, recipient) = (TraceId::of(signals), rcpt.forward_path());
            let (members, has_exploder) = (members.len(), !manner.has_no_exploder);
            tracing::error!(%id, recipient = recipient.as_str(), members, has_exploder, "a recipient cannot be expanded");
            Decision::Reject(Rejection::new(Reply::misconfigured()))
        }
        decision => decision,
    };
    if manner.is_dry {
        say(signals, rcpt.forward_path(), &decision, manner);
        return Ok(());
    }
    match decision {
        Decision::Pass if manner.passes_unknown => return Ok(()),
        Decision::Pass => return Err(Rejection::new(Reply::relay_denied())),
        Decision::Reject(rejection) => return Err(rejection),
        Decision::Accept => {}
        Decision::Expand(members) => {
            of::<Expansions>(signals).set(position, members);
        }
        Decision::Route(destination) => go(signals, destination)?,
        Decision::RouteToOneOf(hosts) => go_to_one_of(signals, hosts)?,
        Decision::HandOver(sender) => hand_over(signals, sender)?,
    }
    if manner.passes_unknown {
        of::<Decided>(signals).add(position);
    }
    Ok(())
}

fn go(signals: &Signals, destination: Destination) -> Result<(), Rejection> {
    if signals.find::<NextSender>().is_some() {
        return Err(Rejection::new(Reply::other_destination()));
    }
    match signals.find::<Destination>() {
        Some(earlier) if *earlier == destination => Ok(()),
        Some(_) => Err(Rejection::new(Reply::other_destination())),
        None => signals
            .set(destination)
            .map_err(|_| Rejection::new(Reply::other_destination())),
    }
}

fn hand_over(signals: &Signals, sender: Sender) -> Result<(), Rejection> {
    let next = NextSender(sender);
    match signals.find::<NextSender>() {
        Some(earlier) if *earlier == next => Ok(()),
        None if signals.find::<Destination>().is_none() && signals.set(next).is_ok() => Ok(()),
        Some(_) | None => Err(Rejection::new(Reply::other_destination())),
    }
}

/// The list from which the transaction's destination was drawn.
struct Drawn(HostList);

fn go_to_one_of(signals: &Signals, hosts: HostList) -> Result<(), Rejection> {
    if signals
        .find::<Drawn>()
        .is_some_and(|drawn| drawn.0 == hosts)
    {
        return Ok(());
    }
    go(signals, hosts.draw())?;
    // Where there is one already, its hosts are those that were drawn now.
    let _ = signals.set(Drawn(hosts));
    Ok(())
}

/// Reports what would be done.
fn say(signals: &Signals, recipient: &ForwardPath, decision: &Decision, manner: Manner) {
    let (would, value) = match decision {
        Decision::Route(destination) => {
            let hosts = destination.hosts.iter().map(ToString::to_string);
            ("route", json!(hosts.collect::<Vec<_>>()))
        }
        Decision::RouteToOneOf(hosts) => {
            let hosts = hosts.hosts().map(ToString::to_string);
            ("route", json!(hosts.collect::<Vec<_>>()))
        }
        Decision::HandOver(sender) => ("hand over", json!(sender.to_string())),
        Decision::Accept => ("accept", Value::Null),
        Decision::Expand(members) => {
            let members = members.iter().map(ForwardPath::as_str);
            ("expand", json!(members.collect::<Vec<_>>()))
        }
        Decision::Reject(rejection) => ("refuse", json!(rejection.reply().to_string())),
        Decision::Pass if manner.passes_unknown => ("pass", Value::Null),
        Decision::Pass => ("refuse", json!(Reply::relay_denied().to_string())),
    };
    let id = TraceId::of(signals);
    tracing::info!(%id, recipient = recipient.as_str(), would, to = %value, "dry run of a router");
    let mut said = json!({"recipient": recipient.as_str(), "would": would});
    if !value.is_null() {
        said["to"] = value;
    }
    // The first recipient counts, as for rules.
    let _ = signals.set_durable_as(DRY_RUN, &said);
}

/// A signal that is extended.
fn of<T: Default + Send + Sync + 'static>(signals: &Signals) -> Arc<T> {
    if let Some(found) = signals.find::<T>() {
        return found;
    }
    // Another one may be first.
    let _ = signals.set(T::default());
    signals.find::<T>().unwrap_or_default()
}

impl Decided {
    fn has(&self, position: usize) -> bool {
        let decided = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        decided.contains(&position)
    }

    fn add(&self, position: usize) {
        let mut decided = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        decided.insert(position);
    }
}
