//! The four stacks of an agent, each from top to bottom: the first layer sees a transaction first.
//!
//! ```text
//! listener   SMTP session → at MAIL, a sender's chain → a part for each recipient → storage
//! leg        attempt at a recipient's part → its sender's chain → the destination
//! queue      storage → Dispatcher → attempts
//! resource   HTTP → a transaction as a resource → storage
//! ```
//!
//! The settings are made from the configuration elsewhere, in `config/settings`.

use std::sync::Arc;

use koukan_core::{
    ServiceBuilderExt,
    blob::BlobPool,
    event::Observers,
    message::dsn::Words,
    service::{BoxMailService, MailService},
    stage::{
        dispatcher::Dispatcher,
        exploder::{self, ByDomain},
        output_handler::{DomainRules, Notifications, OutputHandler},
        rest_handler::RestHandler,
        sharing::SharingLayer,
        storage_writer::StorageWriter,
    },
    storage::Storage,
};
use koukan_rest::{
    health::{self, Readiness},
    server::Server,
};
use koukan_smtp::SmtpEndpoint;
use tower::ServiceBuilder;

use crate::{
    config::{Config, Exploder},
    registry::Surroundings,
};

use super::chains::{Filters, LateChains};

/// Makes the attempts at stored transactions, whoever asks for them.
pub(crate) type Output = OutputHandler<LateChains>;

/// **Listener**: serves SMTP clients, and takes their transactions. Most chains of listeners
/// continue with [`explode`].
pub(super) fn listener(
    chain: BoxMailService,
    observers: Observers,
    blobs: BlobPool,
) -> BoxMailService {
    let stack = ServiceBuilder::new()
        // Outermost, so that it reports every reply as the client gets it.
        .trace_transactions(observers)
        // Above everything that may hold a message: memory is charged to the client.
        .charge(blobs)
        // The filters of the sender's chain, and its end.
        .service(chain);
    // Given to a transaction at MAIL, when the client is known.
    BoxMailService::new(stack)
}

/// The lower half of a listener's stack: splits a transaction of many recipients into one for each.
pub(super) fn explode(
    filters: Filters,
    config: &Exploder,
    storage: &Storage,
    output: &Output,
) -> BoxMailService {
    // Below the Exploder there is one recipient, whose destination may be slow. Its part is written
    // to storage as it arrives, so that no other recipient waits for it, and it can be kept.
    let writer = |sender| {
        let writer = StorageWriter::new(storage.clone(), output.clone());
        let writer = writer.with_sender(sender).with_timeouts(config.into());
        writer.boxed()
    };
    // The sender that is stored with a recipient's part decides which chain the attempts go through.
    let by_domain = config.senders_by_domain();
    let writers = by_domain.fold(
        ByDomain::new(writer(config.general_sender())),
        |writers, (domain, sender)| writers.with(domain, writer(sender)),
    );
    let (writers, blobs) = (writers.boxed(), storage.pool().clone());
    let exploder = exploder::Exploder::new(writers, config.policy.into(), blobs)
        .with_notify(config.notify.into())
        .with_expansion_notices(output.expansion_notices(storage.clone()));
    ServiceBuilder::new()
        // Above the Exploder: a refusal or addition here is done once and counts for all recipients.
        .layer(filters)
        .service(exploder)
}

/// **Leg**: takes an attempt at one recipient's part down to the destination.
pub(super) fn leg(filters: Filters, destination: impl MailService) -> BoxMailService {
    ServiceBuilder::new()
        // The filters see each attempt: a router among them says where it goes.
        .layer(filters)
        .service(destination)
}

/// Like [`leg`], to SMTP servers, which take one transaction for many recipients.
pub(super) fn smtp_leg(filters: Filters, destination: SmtpEndpoint) -> BoxMailService {
    let sharing = SharingLayer::new().with_demand(destination.demand());
    ServiceBuilder::new()
        .layer(filters)
        // Below the filters: each recipient's part passes them separately. Parts that leave them
        // with the same message for the same host are then sent together.
        .layer(sharing)
        .service(destination)
}

/// Like [`leg`], to HTTP servers, whose transactions take many recipients too.
pub(super) fn rest_leg(filters: Filters, destination: impl MailService) -> BoxMailService {
    let sharing = SharingLayer::new()
        // A part that has no copies is passed on step by step, as its client sends it.
        .with_lone_passed()
        .with_signals_told();
    ServiceBuilder::new()
        .layer(filters)
        // Below the filters, as with SMTP.
        .layer(sharing)
        .service(destination)
}

/// Makes attempts, with `chains` for the legs.
pub(super) fn output(
    chains: LateChains,
    config: &Config,
    words: Words,
    surroundings: &Surroundings,
) -> Output {
    let notification = config.notification.as_ref();
    let output = match notification {
        Some(notification) => {
            let notifications = Notifications {
                reporting_mta: config.hostname.value.as_str().into(),
                sender: notification.to_sender(),
            };
            OutputHandler::new(chains, notifications)
        }
        // Nothing is kept that could fail later.
        None => OutputHandler::without_notifications(chains),
    };
    let output = output
        .with_words(words)
        .with_random(Arc::clone(&surroundings.random));
    let output = match notification.and_then(|notification| notification.delayed_after) {
        Some(after) => output.with_delay_notices(after.0),
        None => output,
    };
    let mut rules = DomainRules::default();
    for rule in &config.destination {
        if let Some(domain) = &rule.domain {
            let retry = rule.retry;
            rules = rules.with(&domain.value, move |general| retry.over(general));
        }
    }
    match rules.is_empty() {
        true => output,
        false => output.with_retry_rules(rules),
    }
}

/// **Queue**: works on stored transactions for which no client waits.
pub(super) fn queue(storage: &Storage, output: Output, config: &Config) -> Dispatcher<Output> {
    // Only the dispatcher has this limit. A transaction whose client waits is bounded by the
    // listeners' limits, and never waits for queued ones.
    let max_in_flight = config.output.max_in_flight.get();
    let deadlines = output.clone();
    Dispatcher::new(storage.clone(), output, max_in_flight)
        .with_shortest_deadline(config.shortest_deadline())
        .with_deadlines(move |transaction| deadlines.deadline(transaction))
}

/// Answers requests for transactions as resources, from any listener.
pub(super) fn handler(storage: &Storage, output: &Output, config: &Config) -> RestHandler<Output> {
    let (storage, output) = (storage.clone(), output.clone());
    RestHandler::new(storage, output, config.rest_senders(), config.into())
}

/// **Resource**: takes requests on an HTTP listener. `api` has the layers around the [`handler`]:
/// see the server of `koukan_rest`.
pub(super) fn resource(
    readiness: Readiness,
    metrics: axum::Router,
    api: Option<Server>,
) -> axum::Router {
    // Beside the API and not below it: health and metrics need no token, and are answered even when
    // the API has reached its limits.
    let health = health::router(readiness).merge(metrics);
    match api {
        Some(api) => health.merge(api.router()),
        None => health,
    }
}
