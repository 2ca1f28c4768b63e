//! Lists from an HTTP server.

use super::*;

/// Like [`connector`], with an HTTP server on this host that gives that answer.
fn with_lists(script: &Script, answer: &'static str) -> ScriptedConnector {
    let script = script.clone();
    ScriptedConnector::new(move |address, mut io| {
        if address.port() == 25 {
            let server = Server::new(script.clone()).with_name("mx.example.net");
            tokio::spawn(server.serve(io, &Connected::default()));
            return;
        }
        tokio::spawn(async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                io.read_buf(&mut request).await.unwrap();
            }
            io.write_all(answer.as_bytes()).await.unwrap();
        });
    })
}

const RULE: &str = "policy_action: { match: { matcher: address_list, \
    url: \"http://127.0.0.1:8099/blocked\" }, tag: blocked, action: REJECT }";

#[tokio::test]
async fn a_rule_goes_by_a_list_of_a_server_from_the_first_message_on() {
    let script = Script::new();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbad.example\n";
    let builder = Koukan::builder()
        .resolver(resolver())
        .connector(with_lists(&script, answer));
    let agent = start(builder, &config(RULE)).await;
    let reply = send(&agent, "a@bad.example", "b@example.net").await;
    assert!(reply.starts_with("550 5.7.1"), "{reply}");
    let reply = send(&agent, "a@good.example", "b@example.net").await;
    assert!(reply.starts_with("250 2."), "{reply}");
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_does_not_start_without_a_list_that_it_is_to_go_by() {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    let builder = Koukan::builder()
        .resolver(resolver())
        .connector(with_lists(&Script::new(), answer));
    let agent = builder.config_text("koukan.yaml", &config(RULE)).unwrap();
    let error = agent.start().await.unwrap_err();
    let shown = koukan_core::causes::Causes(&error).to_string();
    let told = "cannot read the list at http://127.0.0.1:8099/blocked: the server answers 503";
    assert!(shown.starts_with(told), "{shown}");
}

#[tokio::test]
async fn what_is_explained_goes_by_the_list_as_well() {
    let found = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbad.example\n";
    let missing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    for (answer, from, refused) in [
        (found, "a@bad.example", Some(true)),
        (found, "a@good.example", Some(false)),
        (missing, "a@good.example", None),
    ] {
        let connector = with_lists(&Script::new(), answer);
        let builder = Koukan::builder()
            .resolver(resolver())
            .connector(connector.clone());
        let agent = builder.config_text("koukan.yaml", &config(RULE)).unwrap();
        let mut asked = super::explain::asked(&["b@example.net"], "\r\nhello\r\n");
        asked.mail.reverse_path = from.parse().unwrap();
        let sender = koukan_core::context::Sender::new("ingress");
        asked.context = koukan_core::context::Context::new(sender);
        let explained = agent.explain(asked).await;
        let found = explained.map(|explanation| {
            let message = explanation.message;
            message.is_none_or(|reply| reply.is_negative())
        });
        assert_eq!(found.ok(), refused, "{from}");
        // Nothing else was connected to.
        let asked = connector.asked();
        assert!(
            asked.iter().all(|address| address.port() == 8099),
            "{asked:?}"
        );
    }
}

/// Like [`with_lists`], but counts requests.
fn counting(answer: &'static str) -> (ScriptedConnector, Arc<Mutex<usize>>) {
    let count = Arc::<Mutex<usize>>::default();
    let counted = Arc::clone(&count);
    let connector = ScriptedConnector::new(move |_, mut io| {
        let counted = Arc::clone(&counted);
        tokio::spawn(async move {
            let mut request = Vec::new();
            while io.read_buf(&mut request).await.unwrap() > 0 {
                if request.ends_with(b"\r\n\r\n") {
                    *counted.lock().unwrap() += 1;
                    request.clear();
                    io.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
    });
    (connector, count)
}

#[tokio::test]
async fn explanations_ask_for_a_list_not_more_often_than_it_is_to_be() {
    let found = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nbad.example\n";
    let (connector, count) = counting(found);
    let builder = Koukan::builder().resolver(resolver()).connector(connector);
    let agent = builder.config_text("koukan.yaml", &config(RULE)).unwrap();
    for _ in 0..3 {
        let mut asked = super::explain::asked(&["b@example.net"], "\r\nhello\r\n");
        asked.mail.reverse_path = "a@bad.example".parse().unwrap();
        let sender = koukan_core::context::Sender::new("ingress");
        asked.context = koukan_core::context::Context::new(sender);
        let explanation = agent.explain(asked).await.unwrap();
        assert!(explanation.mail.is_permanent());
    }
    assert_eq!(*count.lock().unwrap(), 1);
}
