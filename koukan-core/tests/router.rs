//! The router filter.

use std::{collections::BTreeSet, sync::Arc};

use koukan_core::{
    filter::router::{
        AddressList, Decision, DestDomain, HostList, Router, RouterLayer, Rules, StaticHosts,
    },
    random::Random,
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
    test_util::{Script, SeededRandom, mail, rcpt, send},
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

/// Three hosts: the first is drawn three times as often as the second, and the third is a reserve.
fn weighted(random: impl Random) -> HostList {
    let hosts = [(host("often"), 3), (host("rarely"), 1), (host("never"), 0)];
    HostList::new(hosts, Arc::new(random))
}

fn names(destination: &Destination) -> Vec<&str> {
    destination.hosts.iter().map(|host| &*host.host).collect()
}

#[test]
fn hosts_are_drawn_as_often_as_their_weights_say() {
    let list = weighted(SeededRandom::new(7));
    let mut first = 0;
    for _ in 0..4000 {
        let drawn = list.draw();
        let order = names(&drawn);
        // All of them are tried, the reserve last.
        assert_eq!(order[2], "never");
        assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 3);
        first += usize::from(order[0] == "often");
    }
    assert!((2900..3100).contains(&first), "{first}");
}

#[test]
fn the_ends_of_what_is_drawn_belong_to_hosts_too() {
    #[derive(Debug)]
    struct Always(f64);
    impl Random for Always {
        fn unit(&self) -> f64 {
            self.0
        }
    }
    for (unit, order) in [
        (0.0, ["often", "rarely", "never"]),
        (0.749, ["often", "rarely", "never"]),
        (0.75, ["rarely", "often", "never"]),
        (1.0 - f64::EPSILON / 2.0, ["rarely", "often", "never"]),
    ] {
        assert_eq!(names(&weighted(Always(unit)).draw()), order, "{unit}");
    }
    let largest = [(host("a"), u32::MAX), (host("b"), u32::MAX)];
    let drawn = HostList::new(largest, Arc::new(Always(0.5))).draw();
    assert_eq!(names(&drawn), ["b", "a"]);
}

#[tokio::test]
async fn all_recipients_of_a_transaction_go_to_the_host_that_was_drawn_for_it() {
    let upstream = Script::new();
    let rules = Rules::new()
        .with(only(
            "a.example",
            Decision::RouteToOneOf(weighted(SeededRandom::new(1))),
        ))
        .with(only(
            "b.example",
            Decision::Route(Destination::of_operator([host("b")])),
        ))
        .with(weighted(SeededRandom::new(2)));
    let router = RouterLayer::new(rules).layer(upstream.clone());
    for _ in 0..40 {
        let to = ["x@a.example", "y@a.example", "z@b.example", "x@c.example"].map(rcpt);
        let outcome = send(router.clone(), mail("a@x"), to, "\r\n").await;
        // The same hosts with the same weights are the same destination, whichever rule names them.
        let ok = Reply::recipient_ok;
        assert_eq!(
            outcome.recipients,
            [ok(), ok(), Reply::other_destination(), ok()]
        );
    }
    let received = upstream.received();
    let drawn = received
        .iter()
        .map(|it| it.signals.find::<Destination>().unwrap());
    let first: Vec<_> = drawn.map(|drawn| names(&drawn)[0].to_owned()).collect();
    let often = first.iter().filter(|name| *name == "often").count();
    assert!((20..40).contains(&often), "{first:?}");
    // A destination that was decided for others is not a list.
    let upstream = Script::new();
    let router = RouterLayer::new(
        Rules::new()
            .with(only(
                "b.example",
                Decision::Route(Destination::of_operator([host("b")])),
            ))
            .with(weighted(SeededRandom::new(2))),
    );
    let to = ["x@b.example", "x@c.example", "y@b.example"].map(rcpt);
    let outcome = send(router.layer(upstream), mail("a@x"), to, "\r\n").await;
    let ok = Reply::recipient_ok;
    assert_eq!(outcome.recipients, [ok(), Reply::other_destination(), ok()]);
}

#[tokio::test]
async fn a_dry_run_draws_none_of_several_hosts() {
    let upstream = Script::new();
    let router = RouterLayer::new(weighted(SeededRandom::new(1))).dry();
    let outcome = send(
        router.layer(upstream.clone()),
        mail("a@x"),
        [rcpt("b@c")],
        "\r\n",
    )
    .await;
    assert!(outcome.is_delivered());
    let received = upstream.only_received();
    assert!(received.signals.find::<Destination>().is_none());
    let said = received.signals.durable_json("router.dry_run").unwrap();
    assert_eq!(
        said["to"],
        serde_json::json!(["often:25", "rarely:25", "never:25"])
    );
}

/// Otherwise it would get the message itself, or nobody would.
#[tokio::test]
async fn who_stands_for_others_is_refused_where_nobody_makes_parts_for_these() {
    let rules = Rules::new()
        .with(only(
            "list.example",
            Decision::Expand(["b@c".parse().unwrap()].into()),
        ))
        .with(only("empty.example", Decision::Expand([].into())))
        .with(only("c", Decision::Accept));
    let router = RouterLayer::new(rules);
    let ok = Reply::recipient_ok;
    for (router, is_expanded) in [(router.clone(), true), (router.without_exploder(), false)] {
        let to = ["x@list.example", "x@empty.example", "b@c"].map(rcpt);
        let outcome = send(router.layer(Script::new()), mail("a@x"), to, "\r\n").await;
        let first = match is_expanded {
            true => ok(),
            false => Reply::misconfigured(),
        };
        assert_eq!(outcome.recipients, [first, Reply::misconfigured(), ok()]);
    }
}
