//! One process of the agent: the real stages, composed as a configuration would compose them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use koukan_core::{
    blob::{BlobPool, Limits},
    context::Sender,
    filter::{
        add_route::AddRouteLayer,
        received_header::ReceivedHeaderLayer,
        router::{Decision, DestDomain, Policy, RouterLayer},
    },
    path::ForwardPath,
    service::{BoxMailLayer, BoxMailService},
    signals::{Destination, HostPort},
    stage::{
        dispatcher::Dispatcher,
        event_reader::EventReader,
        exploder::{Exploder, ReplyPolicy},
        operator::Operator,
        output_handler::{Chain, ChainMap, Notifications, OutputHandler, RetryPolicy},
        rest_endpoint::{self, RestEndpoint},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
        sharing::SharingLayer,
        storage_writer::{self, StorageWriter},
    },
    storage::{Backend, BackendError, Storage},
    test_util::TokioClock,
};
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings, server::Shared};
use tower::Layer as _;

use super::{
    actor::rest_client::SENDER,
    network::{ARCHIVE, Network},
    plan::{ListenerKind, Lists},
    world::World,
};

const HOSTNAME: &str = "agent.test";
/// The sender that legs and notifications go out as.
pub(crate) const OUT: &str = "out";
/// The sender that gateways use. What is delivered on its behalf is in the agent's custody.
pub(crate) const GATE: &str = "gate";

/// The sender of what queued mail is divided into.
pub(crate) const PARTS: &str = "parts";

/// The sender of the copies for an archive.
pub(crate) const COPIES: &str = "copies";

/// For how long bad addresses are suppressed.
const SUPPRESSED: Duration = Duration::from_secs(3600);

pub(crate) type Output = OutputHandler<ChainMap>;
pub(crate) type Handler = RestHandler<Output>;

/// A process of the agent.
pub(crate) struct Agent {
    pub(crate) storage: Storage,
    pub(crate) handler: Handler,
    pub(crate) operator: Operator,
    pub(crate) events: EventReader,
    ingress: Server<Shared<BoxMailService>>,
    submission: Server<Shared<BoxMailService>>,
    gateway: Server<Shared<BoxMailService>>,
    pub(crate) dispatcher: Dispatcher<Output>,
    pub(crate) endpoint: SmtpEndpoint,
}

impl Agent {
    /// Starts a process on what an earlier one has left in `backend`. Its clock is ahead by the
    /// given time.
    pub(crate) async fn start(
        world: &Arc<World>,
        backend: Arc<dyn Backend>,
        network: Network,
        filter: Option<&BoxMailLayer>,
        ahead: SignedDuration,
    ) -> Result<Self, BackendError> {
        let shown = World::time_of_day(world.elapsed()) + ahead;
        let clock = Arc::new(TokioClock::starting_at(shown));
        let pool = BlobPool::in_memory(Limits::default());
        let storage = Storage::open(backend, pool, Arc::clone(&clock) as _).await?;
        if world.plan.suppresses {
            storage.suppress([OUT, SENDER].map(|sender| (sender.into(), SUPPRESSED)));
        }
        let endpoint = endpoint(network);
        let router = RouterLayer::new(DestDomain::new());
        let sharing = SharingLayer::new().with_demand(endpoint.demand());
        let shared = sharing.layer(endpoint.clone());
        let mut delivery = BoxMailService::new(router.layer(shared.clone()));
        if let Some(filter) = filter {
            delivery = filter.layer(delivery);
        }
        let archive = BoxMailService::new(RouterLayer::new(Archive).layer(shared));
        let legs = || {
            ChainMap::new()
                .with(Sender::new(OUT), chain(delivery.clone()))
                .with(Sender::new(PARTS), chain(delivery.clone()))
                .with(Sender::new(SENDER), chain(delivery.clone()))
                .with(Sender::new(COPIES), chain(archive.clone()))
        };
        let random = Arc::new(world.random(u64::MAX));
        let output = |chains| {
            let notifications = Notifications {
                reporting_mta: HOSTNAME.into(),
                sender: Sender::new(OUT),
            };
            OutputHandler::new(chains, notifications).with_random(Arc::clone(&random) as _)
        };
        let exploder = |policy, sender| {
            let writer = StorageWriter::new(storage.clone(), output(legs()))
                .with_sender(Sender::new(sender))
                .with_timeouts(
                    storage_writer::StorageWriterTimeouts::default()
                        .with_rcpt(Duration::from_secs(30))
                        .with_final_reply(Duration::from_secs(60)),
                );
            let legs = writer.boxed();
            Exploder::new(legs, policy, storage.pool().clone())
        };
        let explode = |policy| {
            let exploder = exploder(policy, OUT);
            let lists = RouterLayer::new(Lists).passing_unknown();
            BoxMailService::new(lists.layer(exploder))
        };
        let archived = |service: BoxMailService| match world.plan.archives {
            true => {
                let copies = AddRouteLayer::stored(storage.clone(), Sender::new(COPIES));
                BoxMailService::new(copies.layer(service))
            }
            false => service,
        };
        let gate = chain(explode(ReplyPolicy::Submission));
        let mut all = legs().with(Sender::new(GATE), gate);
        if world.plan.divides {
            let divided = exploder(ReplyPolicy::Submission, PARTS);
            all = all.with(Sender::new(OUT), chain(BoxMailService::new(divided)));
        }
        let all = output(all);
        let settings = RestHandlerSettings::default()
            .with_hostname(HOSTNAME.into())
            .with_max_in_flight(world.plan.max_in_flight)
            // So drafts that are never uploaded have ended before the final checks.
            .with_upload_timeout(Duration::from_secs(30 * 60));
        let handler = RestHandler::new(storage.clone(), all.clone(), senders(), settings);
        let received = ReceivedHeaderLayer::new(HOSTNAME, Arc::clone(&clock) as _);
        let received = received.expect("a name of a host");
        let listener = |service: BoxMailService| {
            Server::new(BoxMailService::new(received.layer(service)))
                .with_name(HOSTNAME)
                .with_sender(Sender::new("in"))
        };
        let onward = rest_endpoint::RestEndpointSettings::default().with_sender(Sender::new(GATE));
        let onward = RestEndpoint::new(handler.clone(), onward);
        let max_in_flight = world.plan.max_in_flight;
        Ok(Self {
            dispatcher: Dispatcher::new(storage.clone(), all, max_in_flight),
            ingress: listener(archived(explode(ReplyPolicy::Ingress))),
            submission: listener(archived(explode(ReplyPolicy::Submission))),
            gateway: listener(BoxMailService::new(onward)),
            operator: Operator::new(storage.clone()),
            events: EventReader::new(storage.clone()),
            storage,
            handler,
            endpoint,
        })
    }

    pub(crate) fn server(&self, listener: ListenerKind) -> &Server<Shared<BoxMailService>> {
        match listener {
            ListenerKind::Ingress => &self.ingress,
            ListenerKind::Submission => &self.submission,
            ListenerKind::Gateway => &self.gateway,
        }
    }
}

/// Sends everything to the archive.
#[derive(Debug)]
struct Archive;

impl Policy for Archive {
    fn decide(&self, _: &ForwardPath) -> Decision {
        let host = HostPort {
            host: ARCHIVE.into(),
            port: 25,
        };
        Decision::Route(Destination::of_operator([host]))
    }
}

fn chain(service: BoxMailService) -> Chain {
    Chain {
        service,
        retry: RetryPolicy::default()
            .with_min_attempt_time(Duration::from_secs(60))
            .with_max_attempt_time(Duration::from_secs(20 * 60))
            .with_max_attempts(None)
            .with_deadline(Duration::from_secs(2 * 3600)),
    }
}

fn endpoint(network: Network) -> SmtpEndpoint {
    let settings = ClientSettings::new(HOSTNAME).expect("a name of a host");
    let network = Arc::new(network);
    SmtpEndpoint::with_network(settings, Arc::clone(&network) as _, network)
}

fn senders() -> HashMap<Sender, SenderPolicy> {
    HashMap::from([
        (Sender::new(SENDER), SenderPolicy::default()),
        (Sender::new(GATE), SenderPolicy::incremental()),
    ])
}
