//! What a resolver says and a connector does: where a message goes.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use koukan_core::{
    middleware::{Next, State, from_fn_with_state},
    network::{BoxWire, Connector, DnsAnswer, Mx, SharedResolver},
    reply::Reply,
    service::MailService,
    signals::{Destination, HostPort},
    test_util::{Script, ScriptedConnector, ScriptedResolver},
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    client::{ClientSettings, Guard, PoolSettings, SmtpEndpoint},
    server::Connected,
};
use tokio::{io::AsyncWriteExt, sync::Semaphore, time::Instant};
use tower::{BoxError, Layer, ServiceExt};

use super::sending::send;

/// How long an address has before the next one is tried beside it.
const HEAD_START: Duration = Duration::from_millis(250);

/// Servers at every address, which take everything.
fn connector() -> ScriptedConnector {
    ScriptedConnector::new(|_, io| {
        let server = Server::new(Script::new()).with_name("mx.example.com");
        tokio::spawn(server.serve(io, &Connected::default()));
    })
}

fn endpoint(
    settings: ClientSettings,
    connector: &ScriptedConnector,
    resolver: &ScriptedResolver,
) -> SmtpEndpoint {
    let (connector, resolver) = (Arc::new(connector.clone()), Arc::new(resolver.clone()));
    SmtpEndpoint::with_network(settings, connector, resolver)
}

fn settings() -> ClientSettings {
    ClientSettings::new("me.example").unwrap()
}

fn to_mx() -> ClientSettings {
    settings().with_hosts(["mx.example.com:25".parse().unwrap()])
}

fn ip<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn asked(connector: &ScriptedConnector) -> Vec<String> {
    let asked = connector.asked().into_iter();
    asked
        .map(|address: SocketAddr| address.to_string())
        .collect()
}

/// Sends to the hosts that take the mail of `example.com`, in their order.
async fn by_mx(
    State(resolver): State<SharedResolver>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let mut found = resolver.mx("example.com").await?.records;
    found.sort_by_key(|mx| mx.preference);
    let hosts = found.iter().map(|mx| HostPort {
        host: mx.host.clone(),
        port: 25,
    });
    let _ = tx.signals.set(Destination::of_other(hosts));
    next.run(tx).await
}

#[tokio::test(start_paused = true)]
async fn hosts_and_addresses_are_tried_in_the_order_of_their_records() {
    let resolver = ScriptedResolver::new()
        .with_mx(
            "example.com",
            [
                Mx::new(20, "third.example.com"),
                Mx::new(5, "first.example.com"),
                Mx::new(10, "second.example.com"),
            ],
        )
        .with_addresses("first.example.com", [ip("192.0.2.1"), ip("2001:db8::1")])
        .with_addresses("second.example.com", [ip("192.0.2.2")])
        .with_addresses("third.example.com", [ip("192.0.2.3")]);
    let connector = connector()
        .with_refused(ip("192.0.2.1:25"))
        .with_refused(ip("[2001:db8::1]:25"))
        .with_silent(ip("192.0.2.2:25"));
    let shared: SharedResolver = Arc::new(resolver.clone());
    let layer = from_fn_with_state(shared, by_mx);
    let service = layer.layer(endpoint(settings(), &connector, &resolver));
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("250 "), "{replies:?}");
    let tried = [
        "192.0.2.1:25",
        "[2001:db8::1]:25",
        "192.0.2.2:25",
        "192.0.2.3:25",
    ];
    assert_eq!(asked(&connector), tried);
    let looked_up = [
        "MX example.com",
        "A first.example.com",
        "A second.example.com",
        "A third.example.com",
    ];
    assert_eq!(resolver.asked(), looked_up);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_silent_costs_a_moment_and_its_family_is_not_tried_further() {
    let all: [IpAddr; 4] = [
        ip("2001:db8::1"),
        ip("2001:db8::2"),
        ip("192.0.2.1"),
        ip("192.0.2.2"),
    ];
    let resolver = ScriptedResolver::new().with_addresses("mx.example.com", all);
    let connector = connector()
        .with_silent(ip("[2001:db8::1]:25"))
        .with_silent(ip("[2001:db8::2]:25"));
    let service = endpoint(to_mx(), &connector, &resolver);
    for _ in 0..2 {
        let begun = Instant::now();
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[2].starts_with("250 "), "{replies:?}");
        assert!(begun.elapsed() <= HEAD_START, "{:?}", begun.elapsed());
        // The connection that was made is kept.
        assert_eq!(asked(&connector), ["[2001:db8::1]:25", "192.0.2.1:25"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_connects_sooner_and_does_not_serve_gives_way() {
    let all: [IpAddr; 3] = [ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")];
    let resolver = ScriptedResolver::new().with_addresses("mx.example.com", all);
    let serves_none: SocketAddr = ip("192.0.2.2:25");
    let connector = ScriptedConnector::new(move |address, mut io| {
        if address == serves_none {
            tokio::spawn(async move { io.write_all(b"554 5.3.2 no\r\n").await });
            return;
        }
        let server = Server::new(Script::new()).with_name("mx.example.com");
        tokio::spawn(server.serve(io, &Connected::default()));
    });
    let connector = connector.with_silent(ip("192.0.2.1:25"));
    let service = endpoint(to_mx(), &connector, &resolver);
    let begun = Instant::now();
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("250 "), "{replies:?}");
    assert_eq!(begun.elapsed(), 2 * HEAD_START);
    // The one that was silent has another chance.
    let tried = [
        "192.0.2.1:25",
        "192.0.2.2:25",
        "192.0.2.1:25",
        "192.0.2.3:25",
    ];
    assert_eq!(asked(&connector), tried);
}

/// What an address has said counts more than the silence of another, which is tried again after it.
#[tokio::test(start_paused = true)]
async fn the_reply_is_that_of_the_address_that_has_said_something() {
    let (silent, refuses) = ("192.0.2.1:25", "192.0.2.2:25");
    for addresses in [[silent, refuses], [refuses, silent]] {
        let all = addresses.map(|address| ip::<SocketAddr>(address).ip());
        let resolver = ScriptedResolver::new().with_addresses("mx.example.com", all);
        let connector = ScriptedConnector::new(|_, mut io| {
            tokio::spawn(async move { io.write_all(b"421 4.3.2 busy\r\n").await });
        });
        let connector = connector.with_silent(ip(silent));
        let service = endpoint(to_mx(), &connector, &resolver);
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[1].contains("busy"), "{addresses:?}: {replies:?}");
    }
}

/// A process that has room for one connection more.
#[derive(Debug)]
struct Narrow(ScriptedConnector, Arc<Semaphore>);

#[async_trait]
impl Connector for Narrow {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        let place = self.1.try_acquire();
        let _place = place.map_err(|_| io::ErrorKind::ResourceBusy)?;
        self.0.connect(address).await
    }
}

/// Nor does one that is silent take the room for a connection from one that answers.
#[tokio::test(start_paused = true)]
async fn an_address_for_which_there_is_no_room_is_tried_when_another_has_ended() {
    let all: [IpAddr; 3] = [ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")];
    let resolver = ScriptedResolver::new().with_addresses("mx.example.com", all);
    let connector = connector().with_silent(ip("192.0.2.1:25"));
    let narrow = Narrow(connector.clone(), Arc::new(Semaphore::new(1)));
    let service = SmtpEndpoint::with_network(to_mx(), Arc::new(narrow), Arc::new(resolver));
    let begun = Instant::now();
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("250 "), "{replies:?}");
    assert_eq!(asked(&connector), ["192.0.2.1:25", "192.0.2.2:25"]);
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

/// A host whose addresses are all silent takes few connections from others, and little time.
#[tokio::test(start_paused = true)]
async fn of_very_many_silent_addresses_few_are_tried() {
    let all: [IpAddr; 50] = std::array::from_fn(|index| [192, 0, 2, index as u8].into());
    let resolver = ScriptedResolver::new().with_addresses("mx.example.com", all);
    let silent = all.iter().fold(connector(), |connector, address| {
        connector.with_silent(SocketAddr::new(*address, 25))
    });
    let service = endpoint(to_mx(), &silent, &resolver);
    let begun = Instant::now();
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[1].starts_with("451 4.4.1 "), "{replies:?}");
    assert_eq!(asked(&silent).len(), 10);
    // Three at a time, each for 30 s.
    assert!(begun.elapsed() < Duration::from_secs(4 * 30 + 1));
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_fails_is_a_failure_for_now() {
    for (resolver, told) in [
        (
            ScriptedResolver::new(),
            "could not look up mx.example.com:25",
        ),
        (
            ScriptedResolver::new().with_failure("mx.example.com"),
            "could not look up mx.example.com:25",
        ),
        (
            ScriptedResolver::new().with_silence("mx.example.com"),
            "could not look up mx.example.com:25",
        ),
        (
            ScriptedResolver::new().with_addresses("mx.example.com", []),
            "mx.example.com:25 has no address",
        ),
    ] {
        let connector = connector();
        let service = endpoint(to_mx(), &connector, &resolver);
        let replies = send(&service, &["b"], "hi\r\n").await;
        let expected = format!("451 4.4.3 {told}, try again later");
        assert_eq!(replies, [&*expected; 3]);
        assert!(connector.asked().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_asked_for_each_connection_however_long_its_answer_holds() {
    let long = DnsAnswer::secure([ip("192.0.2.1")]).with_ttl(Duration::from_secs(86_400));
    let resolver = ScriptedResolver::new().with_addresses("mx.example.com", long);
    let connector = connector();
    let mut pool = PoolSettings::default();
    pool.idle_timeout = Duration::from_secs(1);
    let service = endpoint(to_mx().with_pool(pool), &connector, &resolver);
    for _ in 0..2 {
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[2].starts_with("250 "), "{replies:?}");
    }
    // The connection is kept, so nobody asks.
    assert_eq!(resolver.asked(), ["A mx.example.com"]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let gone = DnsAnswer::insecure([ip("192.0.2.9")]).with_ttl(Duration::ZERO);
    let resolver = resolver.with_addresses("mx.example.com", gone);
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("250 "), "{replies:?}");
    assert_eq!(resolver.asked(), ["A mx.example.com"; 2]);
    assert_eq!(asked(&connector), ["192.0.2.1:25", "192.0.2.9:25"]);
}

/// Sends to a host that somebody else than the operator names.
fn named_by_other(endpoint: SmtpEndpoint) -> impl MailService {
    endpoint.map_request(|tx: Transaction| {
        let destination = Destination::of_other(["mx.example.com:25".parse().unwrap()]);
        tx.signals.set(destination).unwrap();
        tx
    })
}

#[tokio::test(start_paused = true)]
async fn the_guard_looks_at_what_the_resolver_says_each_time() {
    let resolver = ScriptedResolver::new();
    let connector = connector();
    let mut pool = PoolSettings::default();
    pool.idle_timeout = Duration::from_secs(1);
    let settings = settings().with_guard(Guard::new()).with_pool(pool);
    let service = named_by_other(endpoint(settings, &connector, &resolver));
    let answers: [(DnsAnswer<IpAddr>, &str, &[&str]); 4] = [
        ([ip("192.0.2.1")].into(), "250 ", &["192.0.2.1:25"]),
        // The same name, which now leads to this host.
        ([ip("127.0.0.1")].into(), "550 5.7.1 ", &[]),
        // That it is proved does not make it allowed.
        (
            DnsAnswer::secure([ip("::ffff:169.254.169.254")]),
            "550 5.7.1 ",
            &[],
        ),
        (
            [ip("::1"), ip("192.0.2.2")].into(),
            "250 ",
            &["192.0.2.2:25"],
        ),
    ];
    for (answer, reply, connected) in answers {
        let before = connector.asked().len();
        let _ = resolver.clone().with_addresses("mx.example.com", answer);
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[2].starts_with(reply), "{replies:?}");
        assert_eq!(asked(&connector)[before..], *connected);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// However many there are: those take no time.
#[tokio::test(start_paused = true)]
async fn addresses_that_the_guard_refuses_keep_it_from_no_other() {
    let all: [IpAddr; 50] = std::array::from_fn(|index| match index {
        49 => ip("192.0.2.1"),
        _ => [127, 0, 0, index as u8].into(),
    });
    let resolver = ScriptedResolver::new().with_addresses("mx.example.com", all);
    let connector = connector();
    let settings = settings().with_guard(Guard::new());
    let service = named_by_other(endpoint(settings, &connector, &resolver));
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("250 "), "{replies:?}");
    assert_eq!(asked(&connector), ["192.0.2.1:25"]);
}

#[tokio::test(start_paused = true)]
async fn an_address_is_never_looked_up() {
    let (connector, resolver) = (connector(), ScriptedResolver::new());
    for (host, address) in [
        ("192.0.2.1:2525", "192.0.2.1:2525"),
        ("[2001:db8::1]:25", "[2001:db8::1]:25"),
    ] {
        let settings = settings().with_hosts([host.parse().unwrap()]);
        let service = endpoint(settings, &connector, &resolver);
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[2].starts_with("250 "), "{replies:?}");
        assert_eq!(asked(&connector).last().unwrap(), address);
    }
    assert!(resolver.asked().is_empty());
}
