//! Clients that are refused before anything is said.

use koukan_smtp::server::ServerTimeouts;

use super::*;

fn refuse(reply: Reply) -> impl Greeter {
    at_once(move |client| match client.step {
        Step::Connected => reply.clone().into(),
        step => panic!("a client that was refused is at {step:?}"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_may_only_say_quit() {
    let (server, log) = server(refuse(Reply::policy_refused()));
    let mut client = Client::connect(&server);
    assert_eq!(client.ask("").await, "554 refused by policy\r\n");
    let all = [
        "EHLO client\r\n",
        "NOOP\r\n",
        "RSET\r\n",
        MAIL,
        RCPT,
        "what\r\n",
        // Its octets are no commands.
        "BDAT 6 LAST\r\nQUIT\r\n",
        "DATA\r\n",
    ];
    for said in all {
        assert_eq!(client.say(said).await, "503", "{said}");
    }
    assert_eq!(client.say("QUIT\r\n").await, "221");
    assert_eq!(client.rest().await, "");
    client.session.await.unwrap();
    assert_eq!(log.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_may_come_again_later_is_not_waited_for() {
    let (server, _) = server(refuse(Reply::local_error().with_text("not now")));
    let mut client = Client::connect(&server);
    client.send("EHLO client\r\nQUIT\r\n").await;
    assert_eq!(client.rest().await, "421 not now\r\n");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_too_much_after_that_is_not_listened_to_for_ever() {
    let (server, _) = server(refuse(Reply::policy_refused()));
    let mut client = Client::connect(&server);
    client.send(&"EHLO client\r\n".repeat(100)).await;
    let said = client.rest().await;
    assert!(
        said.starts_with("554 ") && said.contains("\r\n421 "),
        "{said}"
    );
    assert!(said.lines().count() < 30, "{said}");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_smtp_is_told_so_after_a_refusal_too() {
    let (server, _) = server(refuse(Reply::policy_refused()));
    let mut client = Client::connect(&server);
    assert_eq!(client.say("GET / HTTP/1.1\r\n").await, "554");
    let said = client.rest().await;
    assert!(said.starts_with("421 this is an SMTP server"), "{said}");
    client.session.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_greeter_that_fails_or_is_late_lets_nobody_in() {
    let failing = service_fn(|_: Introduction| ready(Err::<Greeting, _>(BoxError::from("broken"))));
    let no_refusal = at_once(|_| Reply::ok().into());
    let (failing, _) = server(failing);
    let (no_refusal, _) = server(no_refusal);
    for mut client in [Client::connect(&failing), Client::connect(&no_refusal)] {
        let said = client.rest().await;
        assert!(said.starts_with("421 local error"), "{said}");
        client.session.await.unwrap();
    }
    let asked = Asked::default();
    let (late, _) = server(silent(Step::Connected, &asked));
    let late = late.with_timeouts(ServerTimeouts::default().with_greeter(Duration::from_secs(7)));
    let mut client = Client::connect(&late);
    let said = client.rest().await;
    assert!(said.starts_with("421 processing took too long"), "{said}");
    assert_eq!((client.seconds(), asked.left()), (7, 1));
    client.session.await.unwrap();
}
