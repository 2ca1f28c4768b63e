//! A filter that looks up names.

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithText {
    prefix: String,
}

/// Refuses senders whose domain has no record under a prefix.
async fn with_text(
    State((prefix, surroundings)): State<(Arc<str>, Surroundings)>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let Some(mailbox) = tx.mail.request().reverse_path.mailbox() else {
        return next.run(tx).await;
    };
    let name = format!("{prefix}.{}", mailbox.domain_text());
    match surroundings.resolver.txt(&name).await {
        Ok(found) if found.proof == Proof::Insecure && &*found.records[0] == b"sends" => {
            next.run(tx).await
        }
        Ok(_) | Err(LookupError::NoSuchName) => Ok(Reply::policy_refused()),
        Err(error) => Err(error.into()),
    }
}

fn looking_up(resolver: &ScriptedResolver, connector: &ScriptedConnector) -> Builder {
    Koukan::builder()
        .resolver(resolver.clone())
        .connector(connector.clone())
        .try_filter("with_text", |config: WithText, surroundings| {
            if config.prefix.is_empty() {
                let wrong = InvalidFilter::new("`prefix` is empty");
                return Err(wrong.within([Step::Key("prefix".into())]));
            }
            let state = (config.prefix.into(), surroundings.clone());
            Ok(from_fn_with_state(state, with_text))
        })
}

#[tokio::test]
async fn a_filter_asks_the_resolver_that_the_embedder_gives() {
    let (script, text) = (Script::new(), |text: &str| [text.as_bytes().into()]);
    let resolver = resolver()
        .with_txt("_mail.good.example", text("sends"))
        .with_txt("_mail.bad.example", text("sends nothing"))
        .with_failure("_mail.down.example");
    let connector = connector(&script);
    let builder = looking_up(&resolver, &connector);
    let agent = start(builder, &config("with_text: { prefix: _mail }")).await;
    for (from, reply) in [
        ("a@bad.example", "550 5.7.1 "),
        ("a@none.example", "550 5.7.1 "),
        ("a@down.example", "451 4.3.0 "),
    ] {
        let got = send(&agent, from, "b@example.net").await;
        assert!(got.starts_with(reply), "{from}: {got}");
    }
    assert!(connector.asked().is_empty());
    let got = send(&agent, "a@good.example", "b@example.net").await;
    assert!(got.starts_with("250 2."), "{got}");
    agent.stop().await;
    // Delivery uses the same resolver, and the connector.
    let asked = [
        "TXT _mail.bad.example",
        "TXT _mail.none.example",
        "TXT _mail.down.example",
        "TXT _mail.good.example",
        "A example.net",
    ];
    assert_eq!(resolver.asked(), asked);
    assert_eq!(connector.asked(), ["192.0.2.25:25".parse().unwrap()]);
    assert!(script.only_received().text().contains("hello"));
}

#[tokio::test]
async fn what_others_name_is_not_connected_to_wherever_the_resolver_leads() {
    let (script, resolver) = (Script::new(), resolver());
    let connector = connector(&script);
    let resolver = resolver.with_txt("_mail.good.example", [b"sends".as_slice().into()]);
    let builder = looking_up(&resolver, &connector);
    let agent = start(builder, &config("with_text: { prefix: _mail }")).await;
    let got = send(&agent, "a@good.example", "b@local.example").await;
    assert!(got.starts_with("550 5.7.1 "), "{got}");
    agent.stop().await;
    assert!(resolver.asked().contains(&"A local.example".to_owned()));
    assert!(connector.asked().is_empty());
}

#[test]
fn a_filter_that_cannot_be_built_is_told_of_with_its_place() {
    let builder = || looking_up(&ScriptedResolver::new(), &connector(&Script::new()));
    let text = config("with_text: { prefix: \"\" }");
    let error = builder().config_text("k.yaml", &text).unwrap_err();
    let problem = &error.problems[0];
    assert_eq!(problem.message, "filter `with_text`: `prefix` is empty");
    let (line, column) = (problem.line as usize, problem.column as usize);
    let at = &text.lines().nth(line - 1).unwrap()[column - 1..];
    assert!(at.starts_with("\"\""), "{at}");
    // Any other error, with its cause.
    let error = builder().try_filter("with_text", |_: WithText, _| {
        let failed = std::io::Error::other(LookupError::failed("nobody knows"));
        Err::<tower::layer::util::Identity, _>(failed)
    });
    let error = error.config_text("k.yaml", &text).unwrap_err();
    let told = "filter `with_text`: the look-up failed: nobody knows";
    assert_eq!(error.problems[0].message, told);
}
