//! An endpoint that delivers through the client, the server and the real handler.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use koukan_core::{
    blob::BlobPool,
    context::Sender,
    reply::Reply,
    service::BoxMailService,
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_endpoint::{RestEndpoint, RestEndpointSettings},
        rest_handler::{self, RestHandler, SenderPolicy},
    },
    storage::{MemoryBackend, Storage},
    test_util::{End, Script, TokioClock, context, mail, rcpt, send},
    transaction::Driver,
};
use koukan_rest::{
    client::{Client, ClientSettings},
    server::{ConnectionSettings, Server, ServerSettings, serve_with},
};
use tokio::{net::TcpListener, time::timeout};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

async fn serve(upstream: &Script) -> SocketAddr {
    let clock = Arc::new(TokioClock::default());
    let backend = Arc::new(MemoryBackend::new());
    let storage = Storage::open(backend, BlobPool::default(), clock).await;
    let chain = Chain {
        service: BoxMailService::new(upstream.clone()),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let senders = HashMap::from([
        (Sender::new("app"), SenderPolicy::default()),
        (Sender::new("gateway"), SenderPolicy::incremental()),
    ]);
    let handler = RestHandler::new(
        storage.unwrap(),
        OutputHandler::new(chain, notifications),
        senders,
        rest_handler::RestHandlerSettings::default(),
    );
    let router = Server::new(handler, ServerSettings::default()).router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = ConnectionSettings::default();
    tokio::spawn(serve_with(
        listener,
        router,
        settings,
        std::future::pending(),
    ));
    address
}

async fn endpoint(upstream: &Script, sender: &str, http2: bool) -> RestEndpoint<Client> {
    let url = format!("http://{}", serve(upstream).await);
    let client = Client::new(&url, ClientSettings::default().with_http2(http2)).unwrap();
    let settings = RestEndpointSettings::default()
        .with_incremental(sender == "gateway")
        .with_sender(Sender::new(sender));
    RestEndpoint::new(client, settings)
}

#[tokio::test]
async fn mail_goes_through_step_by_step() {
    for http2 in [false, true] {
        let upstream = Script::new().rcpt("carol@y", Reply::no_such_user());
        let endpoint = endpoint(&upstream, "gateway", http2).await;
        let to = [rcpt("bob@y"), rcpt("carol@y")];
        let outcome = send(endpoint, mail("alice@x"), to, MESSAGE).await;
        assert_eq!(
            outcome.recipients,
            [Reply::recipient_ok(), Reply::no_such_user()]
        );
        assert_eq!(outcome.message, Some(Reply::message_accepted()));
        assert_eq!(upstream.only_received().text(), MESSAGE);
    }
}

#[tokio::test]
async fn mail_goes_through_as_a_whole() {
    for http2 in [false, true] {
        let upstream = Script::new();
        let endpoint = endpoint(&upstream, "app", http2).await;
        let outcome = send(endpoint, mail("alice@x"), [rcpt("bob@y")], MESSAGE).await;
        assert_eq!(outcome.verdict(0), &Reply::message_accepted());
        assert_eq!(upstream.only_received().text(), MESSAGE);
    }
}

#[tokio::test]
async fn recipients_come_one_by_one_and_the_message_piece_by_piece() {
    let upstream = Script::new();
    let endpoint = endpoint(&upstream, "gateway", false).await;
    let (mut driver, mail) = Driver::start(endpoint, context(), mail("alice@x"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    for path in ["b@y", "c@y", "d@y"] {
        let rcpt = driver.rcpt(rcpt(path)).await;
        assert_eq!(driver.wait(rcpt).await, Reply::recipient_ok());
    }
    for piece in ["Subject: hi\r\n", "\r\n", "hello\r\n"] {
        driver.send(piece.into()).await.unwrap();
    }
    assert_eq!(driver.finish().await, Reply::message_accepted());
    let received = upstream.only_received();
    assert_eq!(received.recipient_texts(), ["b@y", "c@y", "d@y"]);
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_attempt_at_the_other_end() {
    let upstream = Script::new();
    let endpoint = endpoint(&upstream, "gateway", false).await;
    let (mut driver, _mail) = Driver::start(endpoint, context(), mail("alice@x"));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    tokio::select! {
        () = driver.progress() => panic!("nobody has said that it is all"),
        () = upstream.octets(1) => {}
    }
    drop(driver);
    let ended = timeout(Duration::from_secs(10), upstream.ended(1)).await;
    let end = &ended.unwrap()[0].end;
    assert!(!matches!(end, End::Replied(_)), "{end:?}");
}

#[tokio::test]
async fn final_replies_by_recipient_come_through() {
    let upstream = Script::new()
        .rcpt("no@y", Reply::no_such_user())
        .message_for("later@y", Reply::mailbox_busy())
        .message_for("never@y", Reply::bad_content());
    let endpoint = endpoint(&upstream, "gateway", false).await;
    let to = ["no@y", "taken@y", "later@y", "never@y"].map(rcpt);
    let outcome = send(endpoint, mail("alice@x"), to, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::mailbox_busy()));
    let codes = [0, 1, 2, 3].map(|index| outcome.verdict(index).code().as_u16());
    assert_eq!(codes, [550, 250, 450, 554]);
}
