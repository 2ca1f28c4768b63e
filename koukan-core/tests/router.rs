//! The router filter.

use koukan_core::{
    filter::router::{AddressList, Decision, DestDomain, Router, RouterLayer, Rules, StaticHosts},
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
    test_util::{Script, mail, rcpt, send},
};
use tower::Layer;

fn host(name: &str) -> HostPort {
    HostPort {
        host: name.into(),
        port: 25,
    }
}

fn router(upstream: &Script) -> Router<Script> {
    let to = |name| Decision::Route(Destination::of_operator([host(name)]));
    let nobody = Decision::Reject(Rejection::new(Reply::no_such_user()));
    let rules = Rules::new()
        .with(AddressList::new(["a.example"], to("a")).with_prefixes(["bob"]))
        .with(AddressList::new(["a.example"], nobody))
        .with(AddressList::new(["b.example"], to("b")));
    RouterLayer::new(rules).layer(upstream.clone())
}

#[tokio::test]
async fn the_first_rule_that_knows_a_recipient_decides() {
    let upstream = Script::new();
    let to = [
        "bob@a.example",
        "eve@a.example",
        "x@c.example",
        "bob@A.example",
    ]
    .map(rcpt);
    let outcome = send(router(&upstream), mail("a@x"), to, "\r\n").await;
    assert_eq!(
        outcome.recipients,
        [
            Reply::recipient_ok(),
            Reply::no_such_user(),
            Reply::relay_denied(),
            Reply::recipient_ok(),
        ]
    );
    let received = upstream.only_received();
    let destination = received.signals.find::<Destination>().unwrap();
    assert_eq!(destination.hosts, [host("a")]);
}

#[tokio::test]
async fn a_transaction_has_one_destination() {
    let upstream = Script::new();
    let to = ["bob@a.example", "x@b.example"].map(rcpt);
    let outcome = send(router(&upstream), mail("a@x"), to, "\r\n").await;
    let replies = [Reply::recipient_ok(), Reply::other_destination()];
    assert_eq!(outcome.recipients, replies);
}

#[tokio::test]
async fn routes_to_the_recipients_domain_or_to_static_hosts() {
    let upstream = Script::new();
    let by_domain = RouterLayer::new(DestDomain::new()).layer(upstream.clone());
    let outcome = send(by_domain, mail("a@x"), [rcpt("b@c.example")], "\r\n").await;
    assert!(outcome.is_delivered());
    let fixed = RouterLayer::new(StaticHosts::new([host("gw")])).layer(upstream.clone());
    let outcome = send(fixed, mail("a@x"), [rcpt("b@c.example")], "\r\n").await;
    assert!(outcome.is_delivered());
    let hosts: Vec<_> = upstream
        .received()
        .iter()
        .map(|received| {
            received
                .signals
                .find::<Destination>()
                .unwrap()
                .hosts
                .clone()
        })
        .collect();
    assert_eq!(hosts, [[host("c.example")], [host("gw")]]);
}
