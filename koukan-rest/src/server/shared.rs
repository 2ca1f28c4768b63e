//! What all requests share.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, Uri},
};
use koukan_core::{
    causes::Causes,
    resource::{
        Caller, EventRequest, EventResponse, EventService, EventsRead, Explain, ExplainRequest,
        ExplainResponse, ExplainService, Explanation, MessageOperation, MessageRequest,
        MessageResponse, MessageService, Operation, QueueOperation, QueueRequest, QueueResponse,
        QueueService, ReadEvents, Refusal, ResourceRequest, ResourceResponse, ResourceService,
        Role,
    },
    shares::{Client, Shares},
};
use tower::{BoxError, ServiceExt, util::BoxCloneSyncService};

use crate::auth::{Auth, Denied};

use super::{
    ServerSettings,
    answer::Manner,
    base::Base,
    connections::Peer,
    field::view,
    host::{Hosts, named},
    problem::Problem,
    replicas::Known,
};

type Resource = BoxCloneSyncService<ResourceRequest, ResourceResponse, BoxError>;
type Events = BoxCloneSyncService<EventRequest, EventResponse, BoxError>;
type Messages = BoxCloneSyncService<MessageRequest, MessageResponse, BoxError>;
type Queue = BoxCloneSyncService<QueueRequest, QueueResponse, BoxError>;
type Explanations = BoxCloneSyncService<ExplainRequest, ExplainResponse, BoxError>;

/// The most streams of events at the same time; one client may have seven eighths of them.
const STREAMS_MAX: u64 = 1000;

/// What all requests share. Clones share it too, and are cheap: each layer clones it for each request.
#[derive(Clone)]
pub(super) struct Shared {
    service: Arc<Resource>,
    /// The message service, if this server offers it.
    messages: Option<Arc<Messages>>,
    /// The queue service, if this server offers it.
    queue: Option<Arc<Queue>>,
    /// The event service, if this server offers it.
    events: Option<Arc<Events>>,
    /// The explain service, if this server offers it.
    explanations: Option<Arc<Explanations>>,
    /// Streams of events, by client.
    pub(super) streams: Shares<Client>,
    pub(super) settings: Arc<ServerSettings>,
    /// Octets of JSON that are being read, by client.
    pub(super) json: Shares<Client>,
    /// Octets of responses that are being sent, by client.
    pub(super) answers: Shares<Client>,
    pub(super) auth: Option<Auth>,
    /// The other replicas, if there are any.
    pub(super) replicas: Option<Known>,
    hosts: Arc<Hosts>,
}

/// Who has sent a request: a caller, or a client at an address that is not admitted. An extension
/// of the request.
#[derive(Debug, Clone)]
pub(super) struct Asking(Result<Caller, (Denied, Client)>);

impl Asking {
    /// The client whose share the request is charged to.
    pub(super) fn client(&self) -> &Client {
        match &self.0 {
            Ok(caller) => caller.client(),
            Err((_, peer)) => peer,
        }
    }

    /// The caller, if it is admitted.
    pub(super) fn into_caller(self) -> Result<Caller, Denied> {
        self.0.map_err(|(denied, _)| denied)
    }
}

impl Shared {
    pub(super) fn new(service: impl ResourceService, settings: ServerSettings) -> Self {
        Self {
            service: Arc::new(BoxCloneSyncService::new(service.map_err(Into::into))),
            messages: None,
            queue: None,
            events: None,
            explanations: None,
            streams: Shares::new(STREAMS_MAX),
            hosts: Arc::new(Hosts::new(&settings)),
            json: Shares::new(settings.json_budget),
            answers: Shares::new(settings.answers_budget),
            settings: Arc::new(settings),
            auth: None,
            replicas: None,
        }
    }

    /// Finds out who has sent a request.
    pub(super) fn asking(&self, request: &Request) -> Asking {
        let peer = request.extensions().get::<Peer>();
        let peer = peer.map(|Peer(client)| client.clone()).unwrap_or_default();
        let caller = match &self.auth {
            Some(auth) => auth.authenticate(request.headers()),
            None => {
                let caller = Caller::unrestricted().with_role(Role::Operate);
                Ok(caller.with_trust(self.settings.is_trusted))
            }
        };
        match caller {
            // A caller without a token of its own is known by its address.
            Ok(caller) if *caller.client() == Client::Unknown => {
                Asking(Ok(caller.with_client(peer)))
            }
            Ok(caller) => Asking(Ok(caller)),
            Err(denied) => Asking(Err((denied, peer))),
        }
    }

    /// Calls the resource service; refusals and failures become problems.
    pub(super) async fn ask(
        &self,
        caller: Caller,
        operation: Operation,
    ) -> Result<ResourceResponse, Problem> {
        let request = ResourceRequest { caller, operation };
        match Resource::clone(&self.service).oneshot(request).await {
            Ok(ResourceResponse::Refused(refusal)) => Err(refusal.into()),
            Ok(response) => Ok(response),
            Err(error) => {
                tracing::error!(error = %Causes(&*error), "a request for a resource failed");
                Err(Refusal::internal().into())
            }
        }
    }

    pub(super) fn with_messages(mut self, messages: impl MessageService) -> Self {
        let messages = BoxCloneSyncService::new(messages.map_err(Into::into));
        self.messages = Some(Arc::new(messages));
        self
    }

    /// Calls the message service; refusals and failures become problems.
    pub(super) async fn ask_messages(
        &self,
        caller: Caller,
        operation: MessageOperation,
    ) -> Result<MessageResponse, Problem> {
        let messages = self.messages.as_deref().ok_or_else(Problem::no_route)?;
        let request = MessageRequest { caller, operation };
        match messages.clone().oneshot(request).await {
            Ok(MessageResponse::Refused(refusal)) => Err(refusal.into()),
            Ok(response) => Ok(response),
            Err(error) => {
                tracing::error!(error = %Causes(&*error), "a request for a message failed");
                Err(Refusal::internal().into())
            }
        }
    }

    pub(super) fn with_queue(mut self, queue: impl QueueService) -> Self {
        let queue = BoxCloneSyncService::new(queue.map_err(Into::into));
        self.queue = Some(Arc::new(queue));
        self
    }

    /// Calls the queue service; refusals and failures become problems.
    pub(super) async fn ask_queue(
        &self,
        caller: Caller,
        operation: QueueOperation,
    ) -> Result<QueueResponse, Problem> {
        let queue = self.queue.as_deref().ok_or_else(Problem::no_route)?;
        let request = QueueRequest { caller, operation };
        match queue.clone().oneshot(request).await {
            Ok(QueueResponse::Refused(refusal)) => Err(refusal.into()),
            Ok(response) => Ok(response),
            Err(error) => {
                tracing::error!(error = %Causes(&*error), "a request for the queue failed");
                Err(Refusal::internal().into())
            }
        }
    }

    pub(super) fn with_explanations(mut self, explanations: impl ExplainService) -> Self {
        let explanations = BoxCloneSyncService::new(explanations.map_err(Into::into));
        self.explanations = Some(Arc::new(explanations));
        self
    }

    /// Calls the explain service; refusals and failures become problems.
    pub(super) async fn ask_explanations(
        &self,
        caller: Caller,
        explain: Explain,
    ) -> Result<Explanation, Problem> {
        let explanations = self.explanations.as_deref().ok_or_else(Problem::no_route)?;
        let request = ExplainRequest { caller, explain };
        match explanations.clone().oneshot(request).await {
            Ok(ExplainResponse::Refused(refusal)) => Err(refusal.into()),
            Ok(ExplainResponse::Explained(explanation)) => Ok(*explanation),
            Err(error) => {
                tracing::error!(error = %Causes(&*error), "a request for an explanation failed");
                Err(Refusal::internal().into())
            }
        }
    }

    pub(super) fn with_events(mut self, events: impl EventService) -> Self {
        let events = BoxCloneSyncService::new(events.map_err(Into::into));
        self.events = Some(Arc::new(events));
        self
    }

    /// Calls the event service; refusals and failures become problems.
    pub(super) async fn ask_events(
        &self,
        caller: Caller,
        read: ReadEvents,
    ) -> Result<EventsRead, Problem> {
        let events = self.events.as_deref().ok_or_else(Problem::no_route)?;
        let request = EventRequest { caller, read };
        match events.clone().oneshot(request).await {
            Ok(EventResponse::Refused(refusal)) => Err(refusal.into()),
            Ok(EventResponse::Read(read)) => Ok(read),
            Err(error) => {
                tracing::error!(error = %Causes(&*error), "a request for events failed");
                Err(Refusal::internal().into())
            }
        }
    }

    /// Checks that a request is for this server, if no authentication keeps others out.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if self.auth.is_some() || self.settings.bound.is_none() {
            return Ok(());
        }
        match named(uri, headers) {
            Some(named) if !self.hosts.is_ours(named.host()) => Err(Problem::other_host()),
            // Browsers always name the host.
            _ => Ok(()),
        }
    }

    /// How to show transactions in the response to that request.
    pub(super) fn manner(&self, uri: &Uri, headers: &HeaderMap) -> Result<Manner, Refusal> {
        Ok(Manner {
            base: match &self.settings.base_url {
                Some(url) => Base::new(url),
                None => Base::of_request(uri, headers, &self.hosts),
            },
            is_full: view::is_full(uri, headers)?,
            is_ranged: false,
        })
    }
}
