//! Whether this agent is reached at the URL that it tells other replicas.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{Method, header::CONNECTION},
    response::Response,
};
use koukan_core::causes::Causes;
use tokio::time::{sleep, timeout};
use tower::{BoxError, Service, ServiceExt};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pauses before each try. The network of a new pod may come later than the pod.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// Asks this agent by its own URL, and logs once if it is not there: other replicas would not find it either, and
/// only they would notice.
pub(crate) async fn try_own_url<C>(client: C, url: String)
where
    C: Service<Request, Response = Response, Error: Into<BoxError>> + Clone,
{
    if let Err(problem) = reach(client, &url).await {
        tracing::warn!(
            session_url = url,
            problem,
            "this agent cannot reach itself by its `session_url`, and other replicas probably cannot either"
        );
    }
}

async fn reach<C>(client: C, url: &str) -> Result<(), String>
where
    C: Service<Request, Response = Response, Error: Into<BoxError>> + Clone,
{
    let mut problem = String::new();
    for pause in PAUSES {
        sleep(pause).await;
        match timeout(PATIENCE, ask(client.clone(), url)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(told)) => problem = told,
            Err(_) => problem = format!("no answer within {} s", PATIENCE.as_secs()),
        }
    }
    Err(problem)
}

async fn ask<C>(client: C, url: &str) -> Result<(), String>
where
    C: Service<Request, Response = Response, Error: Into<BoxError>>,
{
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("{}/healthz", url.trim_end_matches('/')))
        // No connection is left over.
        .header(CONNECTION, "close")
        .body(Body::empty());
    let request = request.map_err(|error| error.to_string())?;
    let answered = client.oneshot(request).await;
    let answer = answered.map_err(|error| Causes(&*error.into()).to_string())?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answers {status}")),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tower::service_fn;

    use super::*;

    /// What becomes of an agent that answers so many times with 503 before it answers well, and how often it was asked.
    async fn reached(failures: usize) -> (Result<(), String>, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let client = service_fn(move |request: Request| {
            assert_eq!(request.uri(), "http://127.0.0.1:8000/healthz");
            let number = count.fetch_add(1, Ordering::Relaxed);
            let answer = Response::builder().status(if number < failures { 503 } else { 200 });
            async move { Ok::<_, Infallible>(answer.body(Body::empty()).unwrap()) }
        });
        let reached = reach(client, "http://127.0.0.1:8000/").await;
        (reached, asked.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_is_not_there_is_asked_a_few_times() {
        assert_eq!(reached(0).await, (Ok(()), 1));
        assert_eq!(reached(2).await, (Ok(()), 3));
        let told = Err("it answers 503 Service Unavailable".to_owned());
        assert_eq!(reached(9).await, (told, 3));
    }
}
