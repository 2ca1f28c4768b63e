//! Policies of domains: MTA-STS.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    middleware::{Next, State, from_fn_with_state},
    network::BoxWire,
    reply::Reply,
    signals::Destination,
    test_util::{Authority, ScriptedConnector, ScriptedResolver, mail, rcpt, send},
    tls::{ClientTls, ServerTls},
    transaction::Transaction,
};
use koukan_smtp::{
    client::{ClientSettings, MtaSts, SmtpEndpoint, TlsPolicy},
    server::{Connected, Secured},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{BoxError, Layer};

use crate::{
    client::{Trouble, serve},
    tells_tls,
};

/// The hosts: `good` has a certificate that is believed, `bad` one that is not, `plain` has no TLS,
/// and `sick` none for now.
const ZONE: &str = r#"
    $ORIGIN d.example.
    @           MX 10 good
    _mta-sts    TXT "v=STSv1; id=1"
    mta-sts     A 192.0.2.80
    good        A 192.0.2.1
    bad         A 192.0.2.2
    plain       A 192.0.2.3
    sick        A 192.0.2.4
"#;

/// An address at which nobody says anything.
const SILENT: &str = "192.0.2.81";

/// An address of the policy's host to which nobody can connect.
const UNREACHED: &str = "192.0.2.83";

/// What is there: mail hosts, and the host of the policy.
struct World {
    authority: Authority,
    other: Authority,
    /// What the host of the policy answers; nothing where that is empty.
    answer: Arc<Mutex<String>>,
    fetches: Arc<AtomicUsize>,
    resolver: ScriptedResolver,
}

impl World {
    fn new(zone: &str) -> Self {
        Self {
            authority: Authority::new(),
            other: Authority::new(),
            answer: Arc::default(),
            fetches: Arc::default(),
            resolver: ScriptedResolver::of_zone(zone),
        }
    }

    /// Has the domain say that.
    fn policy(&self, mode: &str, hosts: &str) {
        self.answer_with(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
             version: STSv1\nmode: {mode}\nmax_age: 1000\n{hosts}"
        ));
    }

    fn answer_with(&self, answer: &str) {
        *self.answer.lock().unwrap() = answer.to_owned();
    }

    fn connector(&self, tls: ServerTls) -> ScriptedConnector {
        let [good, bad] = [
            (&self.authority, "good.d.example"),
            (&self.other, "bad.d.example"),
        ]
        .map(|(authority, name)| authority.server(name));
        let (answer, fetches) = (Arc::clone(&self.answer), Arc::clone(&self.fetches));
        ScriptedConnector::new(move |address: SocketAddr, io| {
            if address.port() == 443 {
                fetches.fetch_add(1, Ordering::Relaxed);
                let answer = match address.ip().to_string().as_str() {
                    SILENT => String::new(),
                    _ => answer.lock().unwrap().clone(),
                };
                tokio::spawn(serve_policy(tls.clone(), Box::new(io), answer));
                return;
            }
            let server = tells_tls();
            let tls = match address.ip().to_string().as_str() {
                "192.0.2.1" => good.clone(),
                "192.0.2.2" => bad.clone(),
                "192.0.2.4" => {
                    tokio::spawn(serve(io, Trouble::Refuses));
                    return;
                }
                _ => {
                    tokio::spawn(server.serve(io, &Connected::default()));
                    return;
                }
            };
            let io = Secured::new(io, tls);
            tokio::spawn(server.serve_upgradable(io, &Connected::default()));
        })
        .with_silent(format!("{UNREACHED}:443").parse().unwrap())
    }

    fn endpoint(&self, policy: TlsPolicy) -> SmtpEndpoint {
        let tls = self.authority.server("mta-sts.d.example");
        self.endpoint_over(policy, self.connector(tls))
    }

    fn endpoint_over(&self, policy: TlsPolicy, connector: ScriptedConnector) -> SmtpEndpoint {
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings
            .with_tls(policy)
            .with_mta_sts(MtaSts::new(self.authority.client()));
        let resolver = Arc::new(self.resolver.clone());
        SmtpEndpoint::with_network(settings, Arc::new(connector), resolver)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

async fn serve_policy(tls: ServerTls, io: BoxWire, answer: String) -> std::io::Result<()> {
    let mut io = tls.accept(io).await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if io.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request);
    assert!(request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
    if answer.is_empty() {
        return std::future::pending().await;
    }
    io.write_all(answer.as_bytes()).await?;
    io.shutdown().await
}

pub(crate) async fn to_domain(
    State(destination): State<Destination>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let _ = tx.signals.set(destination);
    next.run(tx).await
}

/// What becomes of a message to the domain.
async fn outcome(endpoint: &SmtpEndpoint) -> String {
    let destination = Destination::of_domain("d.example:25".parse().unwrap());
    outcome_to(endpoint, destination).await
}

pub(crate) async fn outcome_to(endpoint: &SmtpEndpoint, destination: Destination) -> String {
    let service = from_fn_with_state(destination, to_domain).layer(endpoint.clone());
    let to = [rcpt("bob@d.example")];
    let outcome = send(service, mail("a@me.example"), to, "a: b\r\n\r\nhi\r\n").await;
    outcome.verdict(0).to_string()
}

fn opportunistic() -> TlsPolicy {
    TlsPolicy::Opportunistic(ClientTls::unverified())
}

#[tokio::test(start_paused = true)]
async fn a_policy_decides_which_hosts_are_sent_to_and_how() {
    let (clear, tls, refused) = ("over clear", "over TLSv1.3", "451 4.7.5");
    let all = "mx: *.d.example\n";
    for (hosts, mode, named, expected) in [
        (&["good"][..], "enforce", all, tls),
        (&["bad"], "enforce", all, refused),
        (&["plain"], "enforce", all, "451 4.7.4"),
        (&["good"], "enforce", "mx: other.example\n", refused),
        // The worse host has what is asked, or is not one that is named.
        (&["bad", "good"], "enforce", all, tls),
        (&["plain", "good"], "enforce", "mx: good.d.example\n", tls),
        (&["bad"], "testing", all, tls),
        (&["plain"], "testing", all, clear),
        (&["good"], "testing", "mx: other.example\n", tls),
        (&["plain"], "none", "", clear),
        (&["bad"], "none", "", tls),
    ] {
        let records = hosts.iter().enumerate();
        let records: String = records
            .map(|(index, host)| format!("@ MX {index} {host}\n"))
            .collect();
        let world = World::new(&ZONE.replace("@           MX 10 good\n", &records));
        world.policy(mode, named);
        let endpoint = world.endpoint(opportunistic());
        // The second on a connection that is kept, with a policy that is.
        for _ in 0..2 {
            let outcome = outcome(&endpoint).await;
            assert!(outcome.contains(expected), "{hosts:?} {mode}: {outcome}");
        }
        assert_eq!(world.fetches(), 1, "{hosts:?} {mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_policy_or_comes_from_elsewhere_demands_nothing() {
    let policy = "version: STSv1\nmode: enforce\nmax_age: 1000\nmx: other.example\n";
    let head = |status: &str, kind: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n")
    };
    let long = format!("{policy}x: {}\n", "x".repeat(70_000));
    for answer in [
        format!("{}\r\n{policy}", head("404 Not Found", "text/plain")),
        format!("{}\r\n{policy}", head("200 OK", "text/html")),
        format!("{}\r\n{long}", head("200 OK", "text/plain")),
        format!("{}\r\n\u{ff}{}", head("200 OK", "text/plain"), "nonsense"),
        format!(
            "{}Location: https://mta-sts.d.example/other\r\n\r\n{policy}",
            head("302 Found", "text/plain")
        ),
        "220 mx.example\r\n".into(),
        // Never.
        String::new(),
    ] {
        let world = World::new(ZONE);
        world.answer_with(&answer);
        let endpoint = world.endpoint(opportunistic());
        for _ in 0..2 {
            let outcome = outcome(&endpoint).await;
            assert!(outcome.contains("over TLSv1.3"), "{answer:.80}: {outcome}");
        }
        // It is left alone for a while.
        assert_eq!(world.fetches(), 1, "{answer:.80}");
        tokio::time::advance(Duration::from_secs(301)).await;
        outcome(&endpoint).await;
        assert_eq!(world.fetches(), 2, "{answer:.80}");
    }
    // A host that cannot prove who it is, and one inside.
    let world = World::new(ZONE);
    world.policy("enforce", "mx: other.example\n");
    for tls in [
        world.authority.server("d.example"),
        world.other.server("mta-sts.d.example"),
    ] {
        let connector = world.connector(tls);
        let endpoint = world.endpoint_over(opportunistic(), connector);
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains("over TLSv1.3"), "{outcome}");
    }
    assert_eq!(world.fetches(), 2);
    let world = World::new(&ZONE.replace("192.0.2.80", "127.0.0.1"));
    world.policy("enforce", "mx: other.example\n");
    let outcome = outcome(&world.endpoint(opportunistic())).await;
    assert!(outcome.contains("over TLSv1.3"), "{outcome}");
    assert_eq!(world.fetches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_address_of_the_policys_host_leaves_time_for_another() {
    let zone = ZONE.replace("MX 10 good", "MX 10 bad");
    // One that connects has half of the time, and one that does not has a moment.
    for (silent, fetches, seconds) in [(SILENT, 2, 15), (UNREACHED, 1, 0)] {
        let both = format!("mta-sts A {silent}\nmta-sts A 192.0.2.80");
        let world = World::new(&zone.replace("mta-sts     A 192.0.2.80", &both));
        world.policy("enforce", "mx: *.d.example\n");
        let begun = tokio::time::Instant::now();
        let outcome = outcome(&world.endpoint(opportunistic())).await;
        assert!(outcome.contains("451 4.7.5"), "{outcome}");
        assert_eq!(
            (world.fetches(), begun.elapsed().as_secs()),
            (fetches, seconds)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_outlives_its_record_and_a_host_that_fails() {
    let world = World::new(&ZONE.replace("MX 10 good", "MX 10 bad"));
    world.policy("enforce", "mx: *.d.example\n");
    let endpoint = world.endpoint(opportunistic());
    assert!(outcome(&endpoint).await.contains("451 4.7.5"));
    let none: [Box<[u8]>; 0] = [];
    let resolver = world.resolver.clone().with_txt("_mta-sts.d.example", none);
    assert!(outcome(&endpoint).await.contains("451 4.7.5"));
    // Another policy is told of, and cannot be had: the old one holds.
    world.answer_with("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
    let other: [Box<[u8]>; 1] = [b"v=STSv1; id=2"[..].into()];
    let resolver = resolver.with_txt("_mta-sts.d.example", other);
    assert!(outcome(&endpoint).await.contains("451 4.7.5"));
    let resolver = resolver.with_failure("_mta-sts.d.example");
    assert!(outcome(&endpoint).await.contains("451 4.7.5"));
    assert_eq!(world.fetches(), 2);
    drop(resolver);
    tokio::time::advance(Duration::from_secs(1001)).await;
    assert!(outcome(&endpoint).await.contains("over TLSv1.3"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_another_domain_is_not_used_that_is_not_secure_enough() {
    let zone = ZONE.replace("MX 10 good", "MX 10 bad");
    let world = World::new(&(zone + "other.example. MX 10 bad.d.example.\n"));
    world.policy("enforce", "mx: *.d.example\n");
    let endpoint = world.endpoint(opportunistic());
    let other = || Destination::of_domain("other.example:25".parse().unwrap());
    // Of the other domain nothing is demanded, and its connection is kept.
    let to_other = outcome_to(&endpoint, other()).await;
    assert!(to_other.contains("over TLSv1.3"), "{to_other}");
    assert!(outcome(&endpoint).await.contains("451 4.7.5"));
    let to_other = outcome_to(&endpoint, other()).await;
    assert!(to_other.contains("over TLSv1.3"), "{to_other}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_one_policy_rules_out_is_not_down_for_others() {
    let zone = ZONE.replace("MX 10 good", "MX 10 sick");
    let world = World::new(&(zone + "other.example. MX 10 sick.d.example.\n"));
    world.policy("enforce", "mx: *.d.example\n");
    let endpoint = world.endpoint(opportunistic());
    let other = Destination::of_domain("other.example:25".parse().unwrap());
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(5)).await;
        let refused = outcome(&endpoint).await;
        assert!(refused.starts_with("451 4.3.2 "), "{refused}");
    }
    let to_other = outcome_to(&endpoint, other).await;
    assert!(to_other.contains("over clear"), "{to_other}");
}

#[tokio::test(start_paused = true)]
async fn hosts_that_the_operator_names_have_no_policy() {
    let world = World::new(ZONE);
    world.policy("enforce", "mx: other.example\n");
    let endpoint = world.endpoint(opportunistic());
    let relay = Destination::of_operator(["bad.d.example:25".parse().unwrap()]);
    assert!(outcome_to(&endpoint, relay).await.contains("over TLSv1.3"));
    assert_eq!(world.fetches(), 0);
    let asked = world.resolver.asked();
    assert!(
        !asked.iter().any(|asked| asked.starts_with("TXT")),
        "{asked:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_a_policy_wait_for_one_fetch_and_others_do_not() {
    let world = World::new(&format!("{ZONE}\nother.example. MX 10 good.d.example.\n"));
    let endpoint = world.endpoint(opportunistic());
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let endpoint = endpoint.clone();
            tokio::spawn(async move { outcome(&endpoint).await })
        })
        .collect();
    let (gone, waiting) = waiting.split_at(1);
    koukan_core::test_util::at_rest().await;
    // Who began it leaves.
    gone[0].abort();
    let other = Destination::of_domain("other.example:25".parse().unwrap());
    let start = tokio::time::Instant::now();
    assert!(outcome_to(&endpoint, other).await.contains("over TLSv1.3"));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(world.fetches(), 1);
    for waiting in waiting {
        while !waiting.is_finished() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(40));
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_nobody_waits_for_is_begun_anew() {
    let world = World::new(&ZONE.replace("MX 10 good", "MX 10 bad"));
    let endpoint = world.endpoint(opportunistic());
    let waiting = {
        let endpoint = endpoint.clone();
        tokio::spawn(async move { outcome(&endpoint).await })
    };
    koukan_core::test_util::at_rest().await;
    waiting.abort();
    let _ = waiting.await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    world.policy("enforce", "mx: *.d.example\n");
    assert!(outcome(&endpoint).await.contains("451 4.7.5"));
    assert_eq!(world.fetches(), 2);
}
