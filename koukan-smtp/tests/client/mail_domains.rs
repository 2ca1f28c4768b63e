//! Domains whose mail hosts the DNS names.

use std::{net::IpAddr, sync::Arc, time::Duration};

use koukan_core::{
    middleware::{Next, State, from_fn_with_state},
    network::{DnsAnswer, Mx},
    reply::Reply,
    service::MailService,
    signals::Destination,
    test_util::{Script, ScriptedConnector, ScriptedResolver},
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    client::{ClientSettings, ClientTimeouts, SmtpEndpoint},
    server::Connected,
};
use tokio::time::Instant;
use tower::{BoxError, Layer};

use super::sending::send;

/// Servers at every address, which take everything.
fn connector() -> ScriptedConnector {
    ScriptedConnector::new(|_, io| {
        let server = Server::new(Script::new()).with_name("mx.example");
        tokio::spawn(server.serve(io, &Connected::default()));
    })
}

async fn to_domain(
    State(domain): State<Arc<str>>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let domain = format!("{domain}:25").parse()?;
    let _ = tx.signals.set(Destination::of_domain(domain));
    next.run(tx).await
}

fn endpoint(connector: &ScriptedConnector, resolver: &ScriptedResolver) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap();
    let (connector, resolver) = (Arc::new(connector.clone()), Arc::new(resolver.clone()));
    SmtpEndpoint::with_network(settings, connector, resolver)
}

fn service(domain: &str, endpoint: &SmtpEndpoint) -> impl MailService + use<> {
    from_fn_with_state(Arc::<str>::from(domain), to_domain).layer(endpoint.clone())
}

fn at(text: &str) -> [IpAddr; 1] {
    [text.parse().unwrap()]
}

/// So many hosts that do not exist, and then one that does.
fn ghosts(count: u16, host: Option<&str>) -> DnsAnswer<Mx> {
    let ghosts = (0..count).map(|number| Mx::new(number, format!("ghost{number}.example")));
    let host = host.map(|host| Mx::new(count, host));
    DnsAnswer::insecure(ghosts.chain(host))
}

fn asked(connector: &ScriptedConnector) -> Vec<String> {
    let asked = connector.asked().into_iter();
    asked.map(|address| address.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_dns_says_of_a_domain_decides_where_mail_goes() {
    let circle = "ring.example. CNAME back.example.\nback.example. CNAME ring.example.";
    let resolver = ScriptedResolver::of_zone(circle)
        .with_mx("ringed.example", [Mx::new(10, "ring.example")])
        .with_mx(
            "two.example",
            [Mx::new(20, "b.example"), Mx::new(10, "a.example")],
        )
        .with_mx(
            "void.example",
            [Mx::new(10, "none.example"), Mx::new(20, "b.example")],
        )
        .with_mx(
            "nowhere.example",
            [Mx::new(10, "none.example"), Mx::new(20, "bare.example")],
        )
        .with_mx(
            "maybe.example",
            [Mx::new(10, "down.example"), Mx::new(20, "none.example")],
        )
        .with_mx(
            "refuses.example",
            [Mx::new(10, "none.example"), Mx::new(20, "a.example")],
        )
        .with_mx("many.example", ghosts(25, Some("b.example")))
        .with_mx("beyond.example", ghosts(150, Some("b.example")))
        .with_mx("ghosts.example", ghosts(60, None))
        .with_addresses("bare.example", [])
        .with_mx("plain.example", [])
        .with_addresses("plain.example", at("192.0.2.3"))
        .with_mx("null.example", [Mx::new(0, "")])
        .with_mx("ours.example", [Mx::new(10, "me.example")])
        .with_mx("evil.example", [Mx::new(10, "inside.example")])
        .with_mx("literal.example", [Mx::new(10, "127.0.0.1")])
        .with_addresses("a.example", at("192.0.2.1"))
        .with_addresses("b.example", at("192.0.2.2"))
        .with_addresses("inside.example", at("127.0.0.1"))
        .with_failure("down.example")
        .with_silence("slow.example");
    for (domain, reply, tried) in [
        // The best host is refused, and the next one takes it in the same attempt.
        ("two.example", "250 ", &["192.0.2.1:25", "192.0.2.2:25"][..]),
        ("void.example", "250 ", &["192.0.2.2:25"]),
        // None of the hosts has an address, and the DNS is sure of that; or not of all of them.
        ("nowhere.example", "550 5.4.4 ", &[]),
        ("maybe.example", "451 4.4.3 ", &[]),
        // However many there are; but if not all were asked for, the DNS is not sure.
        ("many.example", "250 ", &["192.0.2.2:25"]),
        ("ghosts.example", "550 5.4.4 ", &[]),
        ("beyond.example", "451 4.4.3 ", &[]),
        ("refuses.example", "451 4.4.1 ", &["192.0.2.1:25"]),
        ("plain.example", "250 ", &["192.0.2.3:25"]),
        ("192.0.2.9", "250 ", &["192.0.2.9:25"]),
        ("null.example", "556 5.1.10 ", &[]),
        ("none.example", "550 5.1.2 ", &[]),
        ("ours.example", "554 5.4.6 ", &[]),
        ("down.example", "451 4.4.3 ", &[]),
        ("slow.example", "451 4.4.3 ", &[]),
        ("ring.example", "451 4.4.3 ", &[]),
        ("ringed.example", "451 4.4.3 ", &[]),
        // What others name leads nowhere inside.
        ("evil.example", "550 5.7.1 ", &[]),
        ("literal.example", "550 5.7.1 ", &[]),
        ("127.0.0.1", "550 5.7.1 ", &[]),
    ] {
        let connector = connector().with_refused("192.0.2.1:25".parse().unwrap());
        let service = service(domain, &endpoint(&connector, &resolver));
        let begun = Instant::now();
        let replies = send(&service, &["b"], "hi\r\n").await;
        let last = replies.last().unwrap();
        assert!(last.starts_with(reply), "{domain}: {replies:?}");
        assert_eq!(asked(&connector), tried, "{domain}");
        assert!(begun.elapsed() <= ClientTimeouts::default().resolve + Duration::from_secs(1));
    }
}

/// Nor is it final that so many of them cannot be used.
#[tokio::test(start_paused = true)]
async fn not_every_host_of_a_domain_is_tried() {
    let mut resolver = ScriptedResolver::new();
    let mut hosts = Vec::new();
    for number in 0..30 {
        let host = format!("mx{number}.example");
        resolver = resolver.with_addresses(&host, at("192.0.2.1"));
        hosts.push(Mx::new(number, host));
    }
    let resolver = resolver.with_mx("many.example", DnsAnswer::insecure(hosts));
    let connector = connector().with_refused("192.0.2.1:25".parse().unwrap());
    let service = service("many.example", &endpoint(&connector, &resolver));
    let replies = send(&service, &["b"], "hi\r\n").await;
    let last = replies.last().unwrap();
    assert!(last.starts_with("451 4.4.1 "), "{replies:?}");
    assert_eq!(asked(&connector).len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_domains_of_one_host_share_its_connection() {
    let mut resolver = ScriptedResolver::new().with_addresses("mx.host.example", at("192.0.2.1"));
    for number in 0..1000 {
        // However the host is written.
        let host = if number % 2 == 0 {
            "mx.host.example"
        } else {
            "MX.Host.Example."
        };
        resolver = resolver.with_mx(&format!("{number}.example"), [Mx::new(10, host)]);
    }
    let connector = connector();
    let endpoint = endpoint(&connector, &resolver);
    for number in 0..1000 {
        let service = service(&format!("{number}.example"), &endpoint);
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[2].starts_with("250 "), "{replies:?}");
    }
    // A connection serves only so many transactions.
    assert!(asked(&connector).len() <= 20, "{}", asked(&connector).len());
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_host_is_known_for_all_domains_that_lead_to_it() {
    let mut resolver = ScriptedResolver::new().with_addresses("mx.host.example", at("192.0.2.1"));
    for (domain, host) in [
        ("one.example", "mx.host.example"),
        ("two.example", "MX.host.example."),
        ("three.example", "mx.host.example"),
    ] {
        resolver = resolver.with_mx(domain, [Mx::new(10, host)]);
    }
    let connector = connector().with_refused("192.0.2.1:25".parse().unwrap());
    let endpoint = endpoint(&connector, &resolver);
    // Two failures show that a host does not answer.
    for (domain, pause, tried) in [
        ("one.example", 0, 1),
        ("two.example", 1, 2),
        ("three.example", 0, 2),
    ] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let replies = send(&service(domain, &endpoint), &["b"], "hi\r\n").await;
        let last = replies.last().unwrap();
        assert!(last.starts_with("451 4.4.1 "), "{replies:?}");
        assert_eq!(asked(&connector).len(), tried, "{domain}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_dns_holds_up_nobody() {
    let resolver = ScriptedResolver::new()
        .with_mx("live.example", [Mx::new(10, "a.example")])
        .with_addresses("a.example", at("192.0.2.1"))
        .with_silence("slow.example");
    let connector = connector();
    let endpoint = endpoint(&connector, &resolver);
    let slow = service("slow.example", &endpoint);
    let waiting: Vec<_> = (0..200)
        .map(|_| {
            let slow = slow.clone();
            tokio::spawn(async move { send(&slow, &["b"], "hi\r\n").await })
        })
        .collect();
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let replies = send(&service("live.example", &endpoint), &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("250 "), "{replies:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for waiting in waiting {
        let replies = waiting.await.unwrap();
        assert!(
            replies.last().unwrap().starts_with("451 4.4.3 "),
            "{replies:?}"
        );
    }
}
