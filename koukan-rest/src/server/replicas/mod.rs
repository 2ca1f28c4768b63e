//! Sends requests to the replica that has to answer them.
//!
//! Several replicas share a database, and each answers for the transactions that it works on. If a request about one
//! of these arrives at another replica, that one either answers with a 308 to the same path at the right replica, or
//! passes the request on and returns the response:
//! | the request | what is done |
//! |---|---|
//! | was already passed on by a replica | answered here: no request is passed on twice |
//! | has a token, or tokens are required here | passed on: clients do not send a token to another host |
//! | has content, and its client does not wait for leave to send it (`Expect`) | passed on: the client may not be able to send it twice |
//! | any other | 308, unless all requests are to be passed on, or the other replica does not answer |
//!
//! A request is passed on with the client's own token: the other replica grants what the client may do, and nothing
//! more because a replica asks. Content is streamed in both directions. If a replica does not answer, only requests
//! for what it has are affected, and they use at most half of the places for requests. No client can take all places
//! for one replica.

mod fields;
mod here;
mod pass_on;
mod quiet;
mod reach;
mod under_way;

use std::{fmt, sync::Arc};

use axum::{
    body::Body,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{
        Method,
        header::{AUTHORIZATION, EXPECT},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::Body as HttpBody;
use koukan_core::{
    resource::{Location, MessageId, Refusal, RefusalKind, hook_reader},
    storage::{Storage, record::TransactionId},
};
use tower::{BoxError, Service, ServiceExt, util::BoxCloneSyncService};

use super::{problem::Problem, shared::Shared};

use self::{fields::PASSED_ON, reach::Reach, under_way::UnderWay};

/// Sends requests over HTTP; their URIs are absolute.
type Peers = BoxCloneSyncService<Request, Response, BoxError>;

/// Knows which replica has to answer what, and how to reach it; clones share the knowledge.
///
/// A client's token is sent to the addresses that other sessions of the storage have
/// [published](Storage::publish_address).
#[derive(Clone)]
pub struct Replicas {
    storage: Storage,
    peers: Arc<Peers>,
    passes_all_on: bool,
}

impl Replicas {
    /// The replicas of a storage, reached by `client`, which can be a client of any HTTP server.
    pub fn new<C>(storage: Storage, client: C) -> Self
    where
        C: Service<Request, Response = Response, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let peers = BoxCloneSyncService::new(client.map_err(Into::into));
        Self {
            storage,
            peers: Arc::new(peers),
            passes_all_on: false,
        }
    }

    /// Passes all requests on, for deployments where clients cannot reach single replicas.
    #[must_use]
    pub fn passing_all_on(mut self, passes_all_on: bool) -> Self {
        self.passes_all_on = passes_all_on;
        self
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas")
            .field("passes_all_on", &self.passes_all_on)
            .finish_non_exhaustive()
    }
}

/// The replicas, as one server uses them.
#[derive(Clone)]
pub(super) struct Known {
    replicas: Replicas,
    /// Requests that were passed on and not answered yet.
    under_way: UnderWay,
    reach: Reach,
}

impl Known {
    pub(super) fn new(replicas: Replicas, max_requests: usize) -> Self {
        Self {
            replicas,
            under_way: UnderWay::new((max_requests as u64).div_ceil(2).max(1)),
            reach: Reach::default(),
        }
    }
}

/// Sends a request to the replica that has to answer it; has all others answered here.
pub(super) async fn find_replica(
    State(shared): State<Shared>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let subject = subject(request.uri().path(), params.ok().as_ref());
    let (Some(known), Some(subject)) = (&shared.replicas, subject) else {
        return Ok(next.run(request).await);
    };
    if request.headers().contains_key(PASSED_ON) {
        return Ok(next.run(request).await);
    }
    let storage = &known.replicas.storage;
    let elsewhere = match &subject {
        Subject::Transaction(id) => storage.elsewhere(*id).await,
        Subject::Webhook(name) => storage.reader_elsewhere(&hook_reader(name)).await,
    };
    match elsewhere.map_err(Refusal::from)? {
        None => match subject {
            Subject::Transaction(id) => here::answer_here(&shared, known, id, request, next).await,
            Subject::Webhook(_) => Ok(next.run(request).await),
        },
        Some(there) if known.may_redirect(&shared, &request) => {
            match known.is_there(&there).await {
                true => redirect(&there, &request),
                false => here::answer_for_silent(request, next).await,
            }
        }
        Some(there) if *request.method() == Method::GET => {
            here::pass_on_or_answer(&shared, known, &there, request, next).await
        }
        Some(there) => known.pass_on(&shared, &there, request).await,
    }
}

impl Known {
    /// Whether the client can follow a redirect.
    fn may_redirect(&self, shared: &Shared, request: &Request) -> bool {
        let headers = request.headers();
        let has_secret = shared.auth.is_some() || headers.contains_key(AUTHORIZATION);
        let has_content = !request.body().is_end_stream() && !headers.contains_key(EXPECT);
        !self.replicas.passes_all_on && !has_secret && !has_content
    }
}

/// A 308 to another replica.
fn redirect(there: &str, request: &Request<Body>) -> Result<Response, Problem> {
    let to = Location::new(pass_on::uri_at(there, request.uri()));
    let detail = "another replica has the transaction: Location tells where";
    let refusal = Refusal::new(RefusalKind::Elsewhere(to), detail);
    Ok(Problem::from(refusal).into_response())
}

/// What a path is about.
enum Subject {
    /// A transaction; for a message, its first transaction.
    Transaction(TransactionId),
    /// A webhook; one replica calls it.
    Webhook(String),
}

fn subject(path: &str, params: Option<&RawPathParams>) -> Option<Subject> {
    let mut segments = path.strip_prefix('/')?.split('/');
    let (kind, id) = (segments.next()?, segments.next()?);
    let transaction = match kind {
        "transactions" => id.parse().ok(),
        "messages" => id.parse::<MessageId>().ok()?.transactions().next(),
        "webhooks" => {
            // A name may hold any characters; they are percent-encoded in the path.
            let (_, name) = params?.iter().find(|(param, _)| *param == "name")?;
            return Some(Subject::Webhook(name.to_owned()));
        }
        _ => None,
    };
    transaction.map(Subject::Transaction)
}
