//! The queue of a stopped agent, read from its database and shown as the REST API shows it.

use std::{path::Path, sync::Arc};

use axum::{
    body::Body,
    http::{Request, Response, header::HOST},
};
use koukan_core::{
    blob::{BlobPool, Limits},
    clock::SystemClock,
    resource::{Refusal, RefusalKind, ResourceRequest, ResourceResponse},
    stage::operator::Operator,
    storage::{Backend, Storage},
};
use koukan_rest::server::{Server, ServerSettings};
use koukan_storage::{PostgresBackend, SqliteBackend};
use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    Builder,
    cli::database::{Database, Found},
};

/// Answers a request that changes nothing from the database that a configuration names.
///
/// # Errors
///
/// A message for the user: there is no such database, it is not one, or it belongs to another version.
pub(super) async fn ask(
    agent: Builder,
    config: &Path,
    path: &str,
) -> Result<Response<Body>, BoxError> {
    let (config, found) = Database::of(config).find(agent)?;
    let database: Arc<dyn Backend> = match found {
        Found::Sqlite(_, options) => Arc::new(SqliteBackend::open_read_only(options).await?),
        Found::Postgres(options) => Arc::new(PostgresBackend::open_read_only(*options).await?),
    };
    let pool = BlobPool::in_memory(Limits::default());
    let storage = Storage::open(database, pool, Arc::new(SystemClock)).await?;
    storage.suppress(config.suppressions());
    // Only the part of the API that shows the queue is used.
    let nothing_else = service_fn(async |_: ResourceRequest| {
        let refusal = Refusal::new(RefusalKind::NotFound, "the agent is stopped");
        Ok::<_, BoxError>(ResourceResponse::from(refusal))
    });
    let server = Server::new(nothing_else, ServerSettings::default());
    let router = server.with_queue(Operator::new(storage)).router();
    let request = Request::get(path).header(HOST, "localhost");
    Ok(router.oneshot(request.body(Body::empty())?).await?)
}
