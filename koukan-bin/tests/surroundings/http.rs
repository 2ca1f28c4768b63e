//! A filter that asks an HTTP server.

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    url: String,
    token_file: PathBuf,
}

#[tokio::test]
async fn a_filter_asks_an_http_server_by_the_connector_that_the_embedder_gives() {
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "a secret\n").unwrap();
    let (script, resolver) = (Script::new(), resolver());
    let connector = connector(&script);
    let said = Arc::new(Mutex::new(String::new()));
    let builder = Koukan::builder()
        .resolver(resolver.clone())
        .connector(connector.clone());
    let builder = builder.try_filter("ask", {
        let said = Arc::clone(&said);
        move |config: Ask, surroundings| {
            let secret = surroundings.secret(&config.token_file)?;
            assert_eq!(format!("{secret:?}"), "Secret");
            let token = format!("Bearer {}", secret.token()?);
            let (client, said, url) = (surroundings.http()?, Arc::clone(&said), config.url);
            Ok::<_, InvalidFilter>(from_fn(move |tx: Transaction, next: Next| {
                let (client, said) = (client.clone(), Arc::clone(&said));
                let request = axum::http::Request::get(&url).header("authorization", &token);
                async move {
                    let response = client.oneshot(request.body(Body::empty())?).await?;
                    let octets = to_bytes(response.into_body(), 1000).await?;
                    *said.lock().unwrap() = String::from_utf8(octets.to_vec())?;
                    next.run(tx).await
                }
            }))
        }
    });
    let filter = format!(
        "ask: {{ url: \"http://policy.example/\", token_file: {} }}",
        token.path().display()
    );
    let agent = start(builder, &config(filter)).await;
    let got = send(&agent, "a@good.example", "b@example.net").await;
    assert!(got.starts_with("250 2."), "{got}");
    agent.stop().await;
    assert_eq!(*said.lock().unwrap(), "welcome");
    let asked: Vec<SocketAddr> = ["192.0.2.80:80", "192.0.2.25:25"]
        .map(|address| address.parse().unwrap())
        .into();
    assert_eq!(connector.asked(), asked);
}

#[test]
fn a_secret_that_is_not_there_is_told_of_before_the_start() {
    let builder = Koukan::builder().try_filter("ask", |config: Ask, surroundings| {
        surroundings.secret(&config.token_file)?;
        Ok::<_, InvalidFilter>(tower::layer::util::Identity::new())
    });
    let text = config("ask: { url: \"http://policy.example/\", token_file: /nowhere/token }");
    let error = builder.config_text("k.yaml", &text).unwrap_err();
    let message = &error.problems[0].message;
    assert!(message.contains("cannot read /nowhere/token"), "{message}");
}
