//! Clients that are refused when they say who they are.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_may_say_something_else() {
    let (server, log) = server(refuse_bad(Reply::policy_refused()));
    let mut client = Client::greeted(&server).await;
    assert_eq!(
        client.ask("EHLO bad\r\n").await,
        "550 refused by policy\r\n"
    );
    assert_eq!(client.say(MAIL).await, "503");
    assert_eq!(client.say("HELO bad\r\n").await, "550");
    assert_eq!(client.say("RSET\r\n").await, "250");
    assert_eq!(client.say("NOOP\r\n").await, "250");
    assert_eq!(client.say("EHLO good\r\n").await, "250");
    assert_eq!(client.say(MAIL).await, "250");
    assert_eq!(client.say("QUIT\r\n").await, "221");
    client.session.await.unwrap();
    assert_eq!(log.rest().len(), 2, "one MAIL, and its abort");
}

/// RFC 5321 section 4.1.4: it is in the state that it was in before.
#[tokio::test(start_paused = true)]
async fn a_refusal_leaves_a_transaction_as_it_is() {
    let (server, log) = server(refuse_bad(Reply::policy_refused()));
    let mut client = Client::greeted(&server).await;
    assert_eq!(client.say("EHLO good\r\n").await, "250");
    assert_eq!(client.say(MAIL).await, "250");
    assert_eq!(client.say(RCPT).await, "250");
    let refused = client.ask("EHLO bad\r\n").await;
    assert_eq!(refused, "550 5.7.1 refused by policy\r\n");
    assert_eq!(client.say("DATA\r\n").await, "354");
    assert_eq!(client.say("hello\r\n.\r\n").await, "250");
    assert_eq!(log.rest().last().unwrap(), "message hello\\r\\n");
    // A welcome aborts it.
    assert_eq!(client.say(MAIL).await, "250");
    assert_eq!(client.say("EHLO good\r\n").await, "250");
    assert_eq!(client.say(RCPT).await, "503");
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_with_421_closes_the_connection() {
    let (server, _) = server(refuse_bad(Reply::too_many_connections()));
    let mut client = Client::greeted(&server).await;
    client.send("EHLO bad\r\nEHLO good\r\n").await;
    let said = client.rest().await;
    assert!(
        said.starts_with("421 ") && said.lines().count() == 1,
        "{said}"
    );
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_again_and_again_is_turned_away() {
    let (server, _) = server(refuse_bad(Reply::policy_refused()));
    let mut client = Client::greeted(&server).await;
    client.send(&"EHLO bad\r\n".repeat(100)).await;
    let said = client.rest().await;
    let refusals = said.matches("550 ").count();
    assert_eq!(refusals, 20, "{said}");
    assert!(said.contains("\r\n421 "), "{said}");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_greeter_is_asked_at_each_step_with_what_is_known_then() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    let greeter = at_once(move |client| {
        let is_extended = client.context.client_name.as_ref();
        let is_extended = is_extended.map(|name| name.is_extended);
        let told_now = (client.step, name(&client).to_owned(), is_extended);
        told.lock().unwrap().push(told_now);
        assert_eq!(&*client.context.sender.name, "ingress");
        match name(&client) {
            "bad" => Reply::policy_refused().into(),
            _ => client.welcome(),
        }
    });
    let (server, _) = server(greeter);
    let mut client = Client::greeted(&server).await;
    for said in ["EHLO one\r\n", "EHLO bad\r\n", "HELO two\r\n", "NOOP\r\n"] {
        client.ask(said).await;
    }
    client.leave().await;
    let expected = [
        (Step::Connected, "", None),
        (Step::Hello, "one", Some(true)),
        (Step::Hello, "bad", Some(true)),
        (Step::Hello, "two", Some(false)),
    ];
    let expected = expected.map(|(step, name, is_extended)| (step, name.to_owned(), is_extended));
    assert_eq!(*asked.lock().unwrap(), expected);
}
