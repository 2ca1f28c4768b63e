//! Clients that hold all the memory they can get, and who is not affected by that.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use koukan_core::{
    ServiceBuilderExt,
    blob::{BlobPool, Limits, Payer},
    body::Body,
    context::{Context, Sender},
    filter::message_parser::MessageParserLayer,
    path::Parameter,
    reply::Reply,
    service::MailService,
    shares::Client,
    stage::exploder::ReplyPolicy,
    storage::MemoryBackend,
    test_util::{Answer, Received, Script, mail, rcpt, send},
    transaction::{Driver, Mail, Transaction},
};
use tower::{BoxError, Layer, ServiceBuilder, service_fn};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// Room for 14 transactions of all clients together, and for two of the agent's own.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    Limits::default()
        .with_window(64 << 10)
        .with_spill_above(0)
        .with_budget(1 << 20)
});

async fn agent(upstream: impl MailService) -> Agent {
    Agent::with(MemoryBackend::new(), BlobPool::in_memory(*LIMITS), upstream).await
}

fn from_client(number: u8) -> Arc<Context> {
    let mut context = Context::new(Sender::new("ingress"));
    context.remote_host = Some(([192, 0, 2, number], 25).into());
    Arc::new(context)
}

/// Begins a transaction and leaves it open. Also returns the reply.
async fn begin(service: impl MailService, client: u8, mail: Mail) -> (Driver, Reply) {
    let (mut driver, reply) = Driver::start(service, from_client(client), mail);
    let reply = driver.wait(reply).await;
    (driver, reply)
}

/// Begins as many transactions as a client may have.
async fn begin_all(agent: &Agent, client: u8) -> Vec<Driver> {
    let mut begun = Vec::new();
    for _ in 0..100 {
        let front = agent.exploder(ReplyPolicy::Ingress);
        let (driver, reply) = begin(front, client, mail("a@x")).await;
        if !reply.is_positive() {
            assert_eq!(reply, Reply::insufficient_storage());
            return begun;
        }
        begun.push(driver);
    }
    panic!("there was room for all");
}

/// Holds the whole message, as a filter that inspects it does.
fn holding(upstream: impl MailService) -> impl MailService {
    ServiceBuilder::new()
        .map_request(|tx: Transaction| tx.then_whole(1 << 20, async |whole| Ok(Body::from(whole))))
        .service(upstream)
}

#[tokio::test(start_paused = true)]
async fn one_client_is_told_so_at_mail_and_another_is_served() {
    let up = Script::new();
    let agent = agent(up.clone()).await;
    let hostile = begin_all(&agent, 1).await;
    assert!(hostile.len() >= 10, "{}", hostile.len());
    for policy in [ReplyPolicy::Ingress, ReplyPolicy::Submission] {
        let (mut driver, reply) = begin(agent.exploder(policy), 2, mail("a@x")).await;
        assert!(reply.is_positive(), "{reply}");
        // A message with many recipients is one message.
        for recipient in 0..50 {
            let reply = driver.rcpt(rcpt(&format!("r{recipient}@y"))).await;
            assert_eq!(driver.wait(reply).await, Reply::recipient_ok());
        }
        driver.send(MESSAGE.into()).await.unwrap();
        assert!(driver.finish().await.is_positive());
    }
    assert_eq!(up.received().len(), 100);
    drop(hostile);
    agent.storage.flush().await;
    assert_eq!(agent.storage.pool().charged(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_size_that_there_is_no_room_for_is_refused_at_mail() {
    let agent = agent(Script::new()).await;
    let of_size = |size: &str| {
        let mut mail = mail("a@x");
        let size = Parameter::new("SIZE", Some(size)).unwrap();
        mail.parameters.push(size).unwrap();
        mail
    };
    let front = || agent.exploder(ReplyPolicy::Ingress);
    let (first, reply) = begin(front(), 1, of_size("500000")).await;
    assert!(reply.is_positive(), "{reply}");
    let (_second, reply) = begin(front(), 1, of_size("500000")).await;
    assert_eq!(reply, Reply::insufficient_storage());
    drop(first);
    let (_third, reply) = begin(front(), 1, of_size("500000")).await;
    assert!(reply.is_positive(), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn what_was_promised_is_delivered_and_notified_of_while_clients_hold_all() {
    let down = || Script::new().mail(Answer::Return(Reply::connection_failed()));
    let up = Script::new().rcpt("no@y", Reply::no_such_user());
    let upstream = holding(turns([down(), down(), up.clone()]));
    let agent = agent(upstream).await;
    for to in ["yes@y", "no@y"] {
        let front = agent.exploder(ReplyPolicy::Submission);
        let outcome = send(front, mail("a@x"), [rcpt(to)], MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
    let mut held = Vec::new();
    for client in 1..=100 {
        held.extend(begin_all(&agent, client).await);
    }
    let dispatching = agent.dispatch();
    // Both, and the notification.
    until(|| async { agent.census().await.waiting == 0 }).await;
    dispatching.stop().await;
    let delivered = |to: &str| {
        let received = up.received();
        let is_to = |got: &Received| {
            got.recipients
                .iter()
                .any(|rcpt| rcpt.forward_path.as_str() == to)
        };
        received.iter().filter(|got| is_to(got)).count()
    };
    assert_eq!([delivered("yes@y"), delivered("a@x")], [1, 1]);
    assert!(held.len() >= 14, "{}", held.len());
    let (_driver, reply) = begin(agent.exploder(ReplyPolicy::Ingress), 101, mail("a@x")).await;
    assert_eq!(reply, Reply::insufficient_storage());
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_holds_a_message_is_charged_to_who_brings_it() {
    let agent = agent(Script::new()).await;
    let pool = agent.storage.pool().clone();
    let front = ServiceBuilder::new()
        .charge(pool.clone())
        .service(holding(service_fn(|mut tx: Transaction| async move {
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = tx.recipients.next().await? {
                rcpt.answer(Reply::recipient_ok());
            }
            tx.body.discard().await?;
            Ok::<_, BoxError>(Reply::message_accepted())
        })));
    let mut held = Vec::new();
    for client in [1, 1, 2] {
        let (mut driver, _) = begin(front.clone(), client, mail("a@x")).await;
        let reply = driver.rcpt(rcpt("b@y")).await;
        assert!(driver.wait(reply).await.is_positive());
        for _ in 0..6 {
            // The last one succeeds without it.
            let octets = vec![b'x'; if client == 1 { 100_000 } else { 10_000 }];
            let _ = driver.send(octets.into()).await;
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), driver.progress()).await;
        held.push(driver);
    }
    let mut ends = Vec::new();
    for mut driver in held {
        ends.push(driver.finish().await);
    }
    let no_room = Reply::insufficient_storage();
    assert_eq!(
        ends,
        [
            Reply::message_accepted(),
            no_room,
            Reply::message_accepted()
        ]
    );
    assert_eq!(pool.charged(), 0);
}

/// Has read all of a message, and never ends.
fn reading() -> impl MailService {
    service_fn(|tx: Transaction| async move {
        // All of it, with its signals.
        let mut tx = tx;
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        let _octets = tx.body.next().await?;
        std::future::pending::<Result<Reply, BoxError>>().await
    })
}

/// The charge for a complete message while `service` works on it.
async fn charged_for(service: impl MailService, pool: &BlobPool) -> u64 {
    let front = ServiceBuilder::new().charge(pool.clone()).service(service);
    let (mut driver, _) = begin(front, 1, mail("a@x")).await;
    let reply = driver.rcpt(rcpt("b@y")).await;
    assert!(driver.wait(reply).await.is_positive());
    let payer = Payer::Client(Client::Unknown);
    let blob = pool.account(payer).keep(MESSAGE.into()).unwrap();
    driver.whole_body(Body::from_blob(Vec::new(), blob.clone()));
    let finished = tokio::time::timeout(Duration::from_secs(1), driver.finish());
    assert!(finished.await.is_err());
    pool.charged() - MESSAGE.len() as u64
}

#[tokio::test]
async fn a_whole_message_that_is_held_costs_its_octets_alone() {
    let pool = BlobPool::in_memory(*LIMITS);
    let len = MESSAGE.len() as u64;
    assert_eq!(charged_for(holding(reading()), &pool).await, len);
    let parser = MessageParserLayer::new();
    // Including its decoded content.
    let parsing = parser.layer(reading());
    assert_eq!(charged_for(parsing, &pool).await, 2 * len);
    // A message that is too large to be parsed is released.
    let parsing = parser.with_max_size(MESSAGE.len() - 1).layer(reading());
    assert_eq!(charged_for(parsing, &pool).await, 0);
    assert_eq!(pool.charged(), 0);
}
