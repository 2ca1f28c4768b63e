//! The client of other HTTP servers.

use std::sync::Arc;

use axum::{Router, body::Body, response::Redirect, routing};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use koukan_core::test_util::{ScriptedConnector, ScriptedResolver, at_rest};
use koukan_rest::client::{ClientError, ClientSettings, HttpClient};
use tower::ServiceExt;

/// A network with one host, which serves a policy.
fn network() -> (HttpClient, ScriptedConnector) {
    let connector = ScriptedConnector::new(|_, io| {
        let routes = Router::new()
            .route("/", routing::post(|text: String| async move { text + "!" }))
            .route("/old", routing::get(|| async { Redirect::temporary("/") }));
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            let service = TowerToHyperService::new(routes);
            let _ = builder.serve_connection(TokioIo::new(io), service).await;
        });
    });
    let resolver = ScriptedResolver::new()
        .with_addresses("policy.example", ["192.0.2.1".parse().unwrap()])
        .with_failure("down.example");
    let (shared, resolver) = (Arc::new(connector.clone()), Arc::new(resolver));
    let settings = ClientSettings::default().with_network(shared, resolver);
    // Header fields for the REST API's server are not sent to other servers.
    let client = HttpClient::new(&settings.with_token("a secret")).unwrap();
    (client, connector)
}

async fn text(body: Body) -> String {
    let octets = body.collect().await.unwrap().to_bytes();
    String::from_utf8(octets.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn requests_of_any_content_are_answered_by_one_connection() {
    let (client, connector) = network();
    for _ in 0..2 {
        let request = Request::post("http://policy.example/").body(Full::from("hello"));
        let response = client.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(response.into_body()).await, "hello!");
        // A separate task puts the connection back into the pool.
        at_rest().await;
    }
    let request = Request::get("http://policy.example/old").body(Body::empty());
    let response = client.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    drop(response);
    assert_eq!(connector.asked(), ["192.0.2.1:80".parse().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_be_looked_up_is_unreachable() {
    let (client, connector) = network();
    for host in ["down.example", "none.example"] {
        let request = Request::get(format!("http://{host}/")).body(Body::empty());
        let error = client.clone().oneshot(request.unwrap()).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{error:?}");
    }
    assert!(connector.asked().is_empty());
}
