//! The four stacks of an agent, each from the top down: what stands first sees a transaction first.
//!
//! ```text
//! listener   SMTP session → at MAIL, a sender's chain → a part for each recipient → storage
//! leg        attempt at a recipient's part → its sender's chain → the destination
//! queue      storage → Dispatcher → attempts
//! resource   HTTP → a transaction as a resource → storage
//! ```
//!
//! Settings are made of the configuration elsewhere: in `config/settings`.

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

/// Makes the attempts at transactions in storage, whoever asks for them.
pub(crate) type Output = OutputHandler<LateChains>;

/// **Listener**: what SMTP clients meet, and what their transactions pass. Most chains of listeners go
/// on with [`explode`].
pub(super) fn listener(
    chain: BoxMailService,
    observers: Observers,
    blobs: BlobPool,
) -> BoxMailService {
    let stack = ServiceBuilder::new()
        // Outermost, so that it reports every reply as the client gets it.
        .trace_transactions(observers)
        // Above all that may hold a message: who the client is, is charged for it.
        .charge(blobs)
        // The filters of the sender's chain, and where that ends.
        .service(chain);
    // Given to a transaction at MAIL, when it is known who the client is.
    BoxMailService::new(stack)
}

/// The lower half of a listener's stack: a transaction of many recipients becomes one for each.
pub(super) fn explode(
    filters: Filters,
    config: &Exploder,
    storage: &Storage,
    output: &Output,
) -> BoxMailService {
    // Below the Exploder there is one recipient, whose destination may hang: it is written to
    // storage as it comes, so that nobody else waits for it and it can be kept.
    let writer = |sender| {
        let writer = StorageWriter::new(storage.clone(), output.clone());
        let writer = writer.with_sender(sender).with_timeouts(config.into());
        writer.boxed()
    };
    // Which chain a recipient's attempt goes through depends on the sender that is written with it.
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
        // Above the Exploder: what is refused or added here counts for all recipients, and is done
        // once.
        .layer(filters)
        .service(exploder)
}

/// **Leg**: what an attempt at one recipient's part passes, down to the destination.
pub(super) fn leg(filters: Filters, destination: impl MailService) -> BoxMailService {
    ServiceBuilder::new()
        // They see what is attempted, each time anew: a router among them says where it goes.
        .layer(filters)
        .service(destination)
}

/// As [`leg`], to SMTP servers, which take one transaction for many recipients.
pub(super) fn smtp_leg(filters: Filters, destination: SmtpEndpoint) -> BoxMailService {
    let sharing = SharingLayer::new().with_demand(destination.demand());
    ServiceBuilder::new()
        .layer(filters)
        // Below the filters: each recipient's part passes them alone, and who has left them with the
        // same message for the same host is sent together.
        .layer(sharing)
        .service(destination)
}

/// As [`leg`], to HTTP servers, whose transactions take many recipients as well.
pub(super) fn rest_leg(filters: Filters, destination: impl MailService) -> BoxMailService {
    let sharing = SharingLayer::new()
        // What has no copies goes step by step, as its client has it go.
        .with_lone_passed()
        .with_signals_told();
    ServiceBuilder::new()
        .layer(filters)
        // Below the filters, as with SMTP.
        .layer(sharing)
        .service(destination)
}

/// What makes attempts, with `chains` for the legs.
pub(super) fn output(
    chains: LateChains,
    config: &Config,
    words: Words,
    surroundings: &Surroundings,
) -> Output {
    let notifications = Notifications {
        reporting_mta: config.hostname.value.as_str().into(),
        sender: config.notification.to_sender(),
    };
    let output = OutputHandler::new(chains, notifications)
        .with_words(words)
        .with_random(Arc::clone(&surroundings.random));
    let output = match config.notification.delayed_after {
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

/// **Queue**: what works on the transactions in storage that nobody waits for.
pub(super) fn queue(storage: &Storage, output: Output, config: &Config) -> Dispatcher<Output> {
    // The limit is the dispatcher's alone: a transaction whose client waits is bounded by the
    // listeners' limits, and never waits for queued ones.
    let max_in_flight = config.output.max_in_flight.get();
    Dispatcher::new(storage.clone(), output, max_in_flight)
}

/// What answers requests for transactions as resources, on whichever listener they come.
pub(super) fn handler(storage: &Storage, output: &Output, config: &Config) -> RestHandler<Output> {
    let (storage, output) = (storage.clone(), output.clone());
    RestHandler::new(storage, output, config.rest_senders(), config.into())
}

/// **Resource**: what requests on an HTTP listener pass. `api` has the layers around the
/// [`handler`]: see `koukan_rest`'s server.
pub(super) fn resource(
    readiness: Readiness,
    metrics: axum::Router,
    api: Option<Server>,
) -> axum::Router {
    // Beside the API and not below it: whoever asks for health or metrics needs no token, and is
    // answered when the API has reached its limits.
    let health = health::router(readiness).merge(metrics);
    match api {
        Some(api) => health.merge(api.router()),
        None => health,
    }
}
