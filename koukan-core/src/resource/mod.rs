//! The transaction as a resource: the REST API without HTTP.
//!
//! A transaction is a long-running operation: it is created, its message is uploaded unless it came
//! with the request, and it is watched until its [`View`] has a
//! [`final_attempt_reason`](View::final_attempt_reason). A [`ResourceService`] answers a
//! [`ResourceRequest`]: the stage [`RestHandler`](crate::stage::rest_handler::RestHandler) over
//! this process's storage, or a client of another process. The caller is a server for HTTP clients,
//! or the stage [`RestEndpoint`](crate::stage::rest_endpoint::RestEndpoint). So the stages can be
//! composed with or without HTTP between them.
//!
//! A *refusal* ([`ResourceResponse::Refused`]) is a value: the request was understood, but cannot
//! be granted. An error of the service means that something broke, and nobody knows whether the
//! request was granted.

mod bad_answer;
mod caller;
mod destinations;
mod digest;
mod events;
mod explanation;
mod hooks;
mod location;
mod messages;
mod queue;
mod refusal;
mod request;
mod response;
mod suppressions;
mod upload;
mod view;

pub use self::{
    bad_answer::BadAnswer,
    caller::{Caller, Role},
    destinations::{
        DestinationAction, DestinationName, DestinationOperation, DestinationView,
        DestinationsListed, HostRoom, HostRooms, HostsDown,
    },
    events::{EventRequest, EventResponse, EventService, EventsRead, ReadEvents},
    explanation::{
        Explain, ExplainRequest, ExplainResponse, ExplainService, Explanation, HostWay,
        MatcherFound, Note, NotePhase, Passage, PassageOf, RuleFound, RuleLook, TlsWay, Way, What,
    },
    hooks::{
        HookAction, HookBoard, HookOperation, HookPlace, HookState, HookView, TakesAll, hook_reader,
    },
    location::{InvalidLocation, Location, Target},
    messages::{
        InvalidMessageId, MessageId, MessageOperation, MessageRequest, MessageResponse,
        MessageService, MessageView, ReadMessage,
    },
    queue::{
        QueueChange, QueueChanged, QueueFilter, QueueList, QueueListed, QueueOperation,
        QueueRequest, QueueResponse, QueueService, QueuedDetails, QueuedTransaction,
    },
    refusal::{Refusal, RefusalKind},
    request::{
        Append, BodySource, Create, Draft, ListState, ListTransactions, Operation, ParsedUpload,
        Read, ResourceRequest, SmtpMeta, WaitFor,
    },
    response::{Created, ListedTransaction, ResourceResponse, TransactionsListed, Uploaded},
    suppressions::{SuppressionAsked, SuppressionOperation, SuppressionsListed},
    upload::{Range, Upload},
    view::{
        BlobStatus, BodyView, BuilderView, Details, RecipientState, RecipientView, Version, View,
    },
};

use tower::{BoxError, Service};

/// A tower service that answers requests for transaction resources.
///
/// A blanket alias, as [`MailService`](crate::service::MailService) is.
pub trait ResourceService:
    Service<ResourceRequest, Response = ResourceResponse, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> ResourceService for S where
    S: Service<ResourceRequest, Response = ResourceResponse, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
