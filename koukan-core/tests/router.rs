//! The router filter.

use koukan_core::{
    filter::router::{AddressList, Decision, DestDomain, Router, RouterLayer, Rules, StaticHosts},
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
    test_util::{Script, mail, rcpt, send},
};
use tower::{BoxError, Layer};

fn host(name: &str) -> HostPort {
    HostPort {
        host: name.into(),
        port: 25,
    }
}

/// Knows the recipients of one domain.
fn only(domain: &str, decision: Decision) -> AddressList {
    AddressList::new([domain], decision)
}

#[tokio::test]
async fn routers_in_a_row_know_of_each_other() {
    let to = |name| Decision::Route(Destination::of_operator([host(name)]));
    let first = RouterLayer::new(only("a.example", to("a"))).passing_unknown();
    let second = RouterLayer::new(
        Rules::new()
            .with(only(
                "a.example",
                Decision::Reject(Rejection::new(Reply::no_such_user())),
            ))
            .with(only("b.example", to("a"))),
    );
    let upstream = Script::new();
    let router = first.layer(second.layer(upstream.clone()));
    let rcpts = ["x@a.example", "x@b.example", "x@c.example"].map(rcpt);
    let outcome = send(router, mail("a@x"), rcpts, "\r\n").await;
    let ok = Reply::recipient_ok;
    assert_eq!(outcome.recipients, [ok(), ok(), Reply::relay_denied()]);
    let received = upstream.only_received();
    let destination = received.signals.find::<Destination>().unwrap();
    assert_eq!(destination.hosts, [host("a")]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() -> Result<(), BoxError> {
    let to = |name| Decision::Route(Destination::of_operator([host(name)]));
    for (recipient, would) in [
        (
            "x@a.example",
            r#"{"recipient":"x@a.example","to":["a:25"],"would":"route"}"#,
        ),
        (
            "x@b.example",
            r#"{"recipient":"x@b.example","to":"550 5.7.1 relaying denied","would":"refuse"}"#,
        ),
    ] {
        let upstream = Script::new();
        let router = RouterLayer::new(only("a.example", to("a"))).dry();
        let router = router.layer(upstream.clone());
        let outcome = send(router, mail("a@x"), [rcpt(recipient)], "\r\n").await;
        assert_eq!(outcome.recipients, [Reply::recipient_ok()]);
        let received = upstream.only_received();
        assert!(received.signals.find::<Destination>().is_none());
        let said = received
            .signals
            .durable_json("router.dry_run")
            .ok_or("nothing was said")?;
        assert_eq!(said.to_string(), would);
    }
    Ok(())
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
