//! Which service gets a transaction: chosen at MAIL, by what is known of the client.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use koukan_core::{
    context::{Context, Sender},
    reply::Reply,
    service::{BoxMailService, MailService},
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    server::{Connected, MakeMailService},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower::{BoxError, service_fn};

/// Refuses everything. The refusal names the chain and the sender.
fn chain(name: &'static str) -> impl MailService {
    service_fn(move |tx: Transaction| async move {
        let text = format!("{name} for {}", tx.context.sender);
        Ok::<_, BoxError>(Reply::policy_refused().with_text(text))
    })
}

/// The end of the reply to each line that the client sends.
async fn talk<M: MakeMailService>(
    server: &Server<M>,
    connected: &Connected,
    lines: &[&str],
) -> Vec<String> {
    let (client, theirs) = duplex(64 << 10);
    let session = tokio::spawn(server.serve(theirs, connected));
    let (mut replies, mut client) = tokio::io::split(client);
    for line in lines {
        client.write_all(line.as_bytes()).await.unwrap();
        client.write_all(b"\r\n").await.unwrap();
    }
    client.shutdown().await.unwrap();
    let mut text = String::new();
    replies.read_to_string(&mut text).await.unwrap();
    session.await.unwrap();
    let refusals = text.lines().filter(|line| line.starts_with("550 "));
    refusals
        .map(|line| line["550 5.7.1 ".len()..].to_owned())
        .collect()
}

const MAIL: &str = "MAIL FROM:<alice@example.com>";

fn from(address: &str) -> Connected {
    let address: IpAddr = address.parse().unwrap();
    Connected {
        remote_host: Some((address, 1024).into()),
        ..Connected::default()
    }
}

#[tokio::test]
async fn by_address_by_name_and_by_identity() {
    let of = |sender: Sender, name| (sender, BoxMailService::new(chain(name)));
    let submission = || Sender::new("submission");
    let users = of(submission().with_tag("users"), "a");
    let neighbours = of(submission(), "b");
    let odd = of(Sender::new("odd"), "c");
    let others = of(Sender::new("ingress"), "d");
    let server = Server::with_make(move |client: &Context| {
        let name = client.client_name.as_ref().map(|name| &*name.name);
        let is_near = client
            .remote_host
            .is_some_and(|host| host.ip().is_loopback());
        match (&client.identity, name) {
            (Some(_), _) => users.clone(),
            _ if is_near => neighbours.clone(),
            (_, Some("localhost")) => odd.clone(),
            _ => others.clone(),
        }
    });
    let user = Connected {
        identity: Some("alice".into()),
        ..from("192.0.2.7")
    };
    let hello = ["EHLO client", MAIL, MAIL];
    for (connected, expected) in [
        (user, "a for submission/users"),
        (from("127.0.0.1"), "b for submission"),
        (from("192.0.2.7"), "d for ingress"),
    ] {
        assert_eq!(talk(&server, &connected, &hello).await, [expected; 2]);
    }
    // The choice is made at each MAIL, by what is known of the client then.
    let lines = [
        "EHLO client",
        MAIL,
        "EHLO localhost",
        MAIL,
        "EHLO client",
        MAIL,
    ];
    let told = talk(&server, &from("192.0.2.7"), &lines).await;
    assert_eq!(told, ["d for ingress", "c for odd", "d for ingress"]);
}

#[tokio::test]
async fn it_is_chosen_at_mail_and_no_sooner_and_never_built() {
    let (chosen, built) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let build = || {
        built.fetch_add(1, Ordering::Relaxed);
        chain("x")
    };
    let (service, counter) = (build(), Arc::clone(&chosen));
    let server = Server::with_make(move |client: &Context| {
        counter.fetch_add(1, Ordering::Relaxed);
        assert_eq!(client.sender, Sender::new("listener"), "as configured");
        (Sender::new("another"), service.clone())
    });
    let server = server.with_sender(Sender::new("listener"));
    let lines = ["EHLO client", "NOOP", "MAIL FROM:<", "RSET"];
    assert_eq!(talk(&server, &Connected::default(), &lines).await, [""; 0]);
    assert_eq!(chosen.load(Ordering::Relaxed), 0);
    let lines = ["EHLO client", MAIL, MAIL, MAIL];
    let told = talk(&server, &Connected::default(), &lines).await;
    assert_eq!(told, ["x for another"; 3]);
    assert_eq!(chosen.load(Ordering::Relaxed), 3);
    assert_eq!(built.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn where_all_share_a_service_the_sender_is_the_listeners() {
    let server = Server::new(chain("x")).with_sender(Sender::new("submission").with_tag("msa"));
    let told = talk(&server, &Connected::default(), &["EHLO client", MAIL]).await;
    assert_eq!(told, ["x for submission/msa"]);
}
