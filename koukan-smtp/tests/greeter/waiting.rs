//! A greeter takes its time: who waits, and for whom.

use koukan_core::{test_util::at_rest, transaction::Transaction};
use koukan_smtp::server::ServerTimeouts;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::*;

const PAUSE: Duration = Duration::from_secs(20);
/// How long a greeter is waited for on behalf of a client that has closed its half.
const HALF_CLOSED: Duration = Duration::from_secs(10);
const ALL: &str = "EHLO client\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n\
                   DATA\r\nhello\r\n.\r\nQUIT\r\n";

/// The codes of replies, in order.
fn codes(replies: &str) -> Vec<&str> {
    let last = |line: &&str| line.as_bytes()[3] == b' ';
    let lines = replies.lines().filter(last);
    lines.map(|line| &line[..3]).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_client_says_meanwhile_is_carried_out_afterwards_in_order() {
    for step in [Step::Connected, Step::Hello] {
        let (server, log) = server(slow(step, PAUSE));
        let mut client = Client::connect(&server);
        client.send(ALL).await;
        if step == Step::Hello {
            assert_eq!(client.say("").await, "220");
        }
        at_rest().await;
        assert_eq!(log.rest(), [""; 0]);
        let said = client.rest().await;
        let all = ["220", "250", "250", "250", "354", "250", "221"];
        let told = usize::from(step == Step::Hello);
        assert_eq!(codes(&said), all[told..], "{step:?}");
        assert_eq!(client.seconds(), PAUSE.as_secs());
        client.session.await.unwrap();
        assert_eq!(log.rest().last().unwrap(), "message hello\\r\\n");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_not_kept() {
    for step in [Step::Connected, Step::Hello] {
        let asked = Asked::default();
        let (server, _) = server(silent(step, &asked));
        let mut client = Client::connect(&server);
        if step == Step::Hello {
            assert_eq!(client.say("").await, "220");
            client.send("EHLO client\r\n").await;
        }
        at_rest().await;
        assert!(!client.session.is_finished() && asked.left() == 0);
        // It might have closed its half alone, and still take the answer to EHLO.
        let moment = match step {
            Step::Connected => Duration::ZERO,
            _ => HALF_CLOSED,
        };
        client.leave_within(moment + Duration::from_secs(1)).await;
        assert_eq!(asked.left(), 1, "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_said_all_it_has_to_say_gets_its_answers() {
    let (server, log) = server(slow(Step::Hello, PAUSE));
    let mut client = Client::greeted(&server).await;
    client.send(ALL).await;
    client.io.shutdown().await.unwrap();
    let said = client.rest().await;
    assert_eq!(codes(&said), ["250", "250", "250", "354", "250", "221"]);
    assert_eq!(log.rest().last().unwrap(), "message hello\\r\\n");
    client.session.await.unwrap();
}

/// A client that had closed its half before it was asked about is the same.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_already_is_not_kept() {
    let asked = Asked::default();
    let both = service_fn({
        let silent = silent(Step::Hello, &asked);
        move |client: Introduction| {
            let silent = silent.clone();
            async move {
                if client.step == Step::Connected {
                    sleep(PAUSE).await;
                }
                tower::ServiceExt::oneshot(silent, client).await
            }
        }
    });
    let (server, _) = server(both);
    let mut client = Client::connect(&server);
    client.send("EHLO client\r\n").await;
    client.io.shutdown().await.unwrap();
    let said = client.rest().await;
    assert_eq!(codes(&said), ["220"]);
    let last = PAUSE + HALF_CLOSED;
    assert_eq!((asked.left(), client.seconds()), (1, last.as_secs()));
    client.session.await.unwrap();
}

/// Who has closed its half after EHLO may still take the answer, if there is one soon.
#[tokio::test(start_paused = true)]
async fn a_client_that_says_hello_alone_and_closes_its_half_is_answered() {
    for (pause, answers) in [(5, 1), (15, 0)] {
        let (server, _) = server(slow(Step::Hello, Duration::from_secs(pause)));
        let mut client = Client::greeted(&server).await;
        client.send("EHLO client\r\n").await;
        client.io.shutdown().await.unwrap();
        let said = client.rest().await;
        assert_eq!(codes(&said).len(), answers, "{said}");
        client.session.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeter_has_so_long_and_then_the_client_may_say_it_again() {
    let (server, _) = server(slow(Step::Hello, PAUSE));
    let server =
        server.with_timeouts(ServerTimeouts::default().with_greeter(Duration::from_secs(7)));
    let mut client = Client::greeted(&server).await;
    let late = client.ask("EHLO client\r\n").await;
    assert!(
        late.starts_with("451 processing took too long, try again later"),
        "{late}"
    );
    assert_eq!(client.seconds(), 7);
    assert_eq!(client.say("NOOP\r\n").await, "250");
    assert_eq!(client.say(MAIL).await, "503");
    client.leave().await;
}

/// What a client sends while it waits is held up to a bound; then it has to wait with that, too.
#[tokio::test(start_paused = true)]
async fn a_client_that_waits_is_read_so_far_and_no_further() {
    let (server, _) = server(slow(Step::Connected, PAUSE));
    let (io, theirs) = duplex(256);
    let session = tokio::spawn(server.serve(theirs, &Connected::default()));
    let (_replies, mut io) = tokio::io::split(io);
    let mut sent = 0;
    let write = async {
        loop {
            io.write_all(&[b'x'; 64]).await.unwrap();
            sent += 64;
        }
    };
    assert!(timeout(PAUSE / 2, write).await.is_err(), "no end");
    assert!((10_000..40_000).contains(&sent), "{sent} octets");
    session.abort();
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_while_the_greeter_is_asked() {
    let gone_on = Arc::new(Semaphore::new(0));
    let counter = Arc::clone(&gone_on);
    let service = service_fn(move |mut tx: Transaction| {
        let counter = Arc::clone(&counter);
        async move {
            tx.mail.answer(Reply::sender_ok());
            sleep(Duration::from_secs(1)).await;
            counter.add_permits(1);
            while tx.recipients.next().await?.is_some() {}
            Ok::<_, BoxError>(Reply::local_error())
        }
    });
    let server = Server::new(service).with_greeter(service_fn(|client: Introduction| async {
        if name(&client) == "again" {
            sleep(PAUSE).await;
        }
        Ok::<_, BoxError>(client.welcome())
    }));
    let mut client = Client::greeted(&server).await;
    assert_eq!(client.say("EHLO client\r\n").await, "250");
    assert_eq!(client.say(MAIL).await, "250");
    client.send("EHLO again\r\n").await;
    let gone_on = timeout(PAUSE / 2, gone_on.acquire());
    gone_on
        .await
        .expect("the call was not polled")
        .unwrap()
        .forget();
    assert_eq!(client.say("").await, "250");
    client.leave().await;
}

/// Whatever the greeter waits for: the server need not wait for it.
#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_the_greeter() {
    for step in [Step::Connected, Step::Hello] {
        let asked = Asked::default();
        let (server, _) = server(silent(step, &asked));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone().cancelled_owned();
        let task = tokio::spawn(server.run(listener, stopped));
        let mut client = TcpStream::connect(address).await.unwrap();
        if step == Step::Hello {
            let mut greeting = [0; 4];
            client.read_exact(&mut greeting).await.unwrap();
            client.write_all(b"EHLO client\r\n").await.unwrap();
        }
        while asked.begun() == 0 {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("421 service closing"), "{said}");
        let ended = timeout(Duration::from_secs(10), task).await;
        ended.expect("the server waits").unwrap();
        assert_eq!(asked.left(), 1);
    }
}
