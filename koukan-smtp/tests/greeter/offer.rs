//! What a client is offered, it may use, and nothing else.

use koukan_smtp::server::Limits;

use super::*;

/// Who is called `less` is offered less.
fn greeter() -> impl Greeter {
    at_once(|mut client| {
        if name(&client) == "less" {
            let offer = &mut client.offer;
            offer.size = Some(1000);
            offer.eight_bit_mime = false;
            offer.smtputf8 = false;
            offer.chunking = false;
            offer.dsn = false;
            offer.limits = false;
            offer.enhanced_status_codes = false;
            // The transport cannot be upgraded, and messages cannot be larger.
            offer.starttls = true;
        }
        client.offer.others.push("X-HELLO 1 2".parse().unwrap());
        client.welcome()
    })
}

#[tokio::test(start_paused = true)]
async fn the_client_is_told_what_the_greeter_says_as_far_as_the_server_can_do_it() {
    let (server, _) = server(greeter());
    let limits = Limits::default().with_message_size(5000);
    let server = server.with_name("mx.example").with_limits(limits);
    let mut client = Client::greeted(&server).await;
    assert_eq!(
        client.ask("EHLO more\r\n").await.replace("\r\n", "|"),
        "250-mx.example|250-PIPELINING|250-SIZE 5000|250-8BITMIME|250-SMTPUTF8|\
         250-ENHANCEDSTATUSCODES|250-CHUNKING|250-BINARYMIME|250-DSN|\
         250-LIMITS RCPTMAX=1000 MAILMAX=10000|250-X-HELLO 1 2|250 HELP|"
    );
    assert_eq!(
        client.ask("EHLO less\r\n").await.replace("\r\n", "|"),
        "250-mx.example|250-PIPELINING|250-SIZE 1000|250-X-HELLO 1 2|250 HELP|"
    );
    assert_eq!(client.ask("HELO less\r\n").await, "250 mx.example\r\n");
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered_is_not_taken() {
    let (server, log) = server(greeter());
    let mut client = Client::greeted(&server).await;
    assert_eq!(client.say("EHLO less\r\n").await, "250");
    for (parameter, code) in [
        ("SMTPUTF8", "555"),
        ("BODY=8BITMIME", "555"),
        ("RET=FULL", "555"),
        ("SIZE=1001", "552"),
        ("SIZE=1000", "250"),
    ] {
        let mail = format!("MAIL FROM:<alice@example.com> {parameter}\r\n");
        assert_eq!(client.say(&mail).await, code, "{parameter}");
    }
    assert_eq!(client.ask(RCPT).await, "250 recipient ok\r\n", "no 2.1.5");
    assert_eq!(client.say("STARTTLS\r\n").await, "502");
    // Its octets are no commands.
    assert_eq!(client.say("BDAT 6 LAST\r\nQUIT\r\n").await, "502");
    assert_eq!(client.say("DATA\r\n").await, "354");
    let large = format!("{}.\r\n", "0123456789\r\n".repeat(100));
    assert_eq!(client.say(&large).await, "552");
    assert_eq!(log.rest().last().unwrap(), "aborted");
    // It all holds until it is said otherwise.
    assert_eq!(client.say("EHLO more\r\n").await, "250");
    let mail = "MAIL FROM:<alice@example.com> SMTPUTF8 BODY=8BITMIME SIZE=1001\r\n";
    assert_eq!(client.say(mail).await, "250");
    assert_eq!(client.say(RCPT).await, "250");
    let chunk = format!("BDAT 1200 LAST\r\n{}", "0123456789\r\n".repeat(100));
    assert_eq!(client.say(&chunk).await, "250");
    client.leave().await;
}
