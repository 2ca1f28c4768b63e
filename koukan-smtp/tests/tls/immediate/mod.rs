//! Connections that begin with TLS, before the greeting.

mod demands;
mod failures;

use std::{io, sync::Arc, time::Duration};

use koukan_core::{
    reply::{Encryption, TlsVerdict},
    signals::Destination,
    test_util::{Authority, ScriptedConnector, ScriptedResolver, mail, rcpt, send},
    tls::{Authorities, Certificates, ClientTls, ServerTls},
};
use koukan_smtp::{
    Protocol, Server,
    client::{ClientSettings, HostTls, SmtpEndpoint, TlsPolicy},
    server::{Connected, MakeMailService, Secured},
};
use tokio::io::DuplexStream;

use crate::{client::outcome, mta_sts::outcome_to, support::running::Running, tells_tls};

/// Serves somebody who begins with TLS.
async fn serve_at_once<M: MakeMailService>(
    server: Server<M>,
    io: DuplexStream,
    tls: ServerTls,
) -> io::Result<()> {
    let stream = tls.accept(io).await?;
    let connected = Connected {
        tls: Some(ServerTls::facts(&stream)),
        ..Connected::default()
    };
    server.serve(stream, &connected).await;
    Ok(())
}

/// Hosts that all begin with TLS.
fn at_once(tls: ServerTls) -> ScriptedConnector {
    ScriptedConnector::new(move |_, io| {
        tokio::spawn(serve_at_once(tells_tls(), io, tls.clone()));
    })
}

/// An endpoint for one host, which may be any address.
fn endpoint_at(host: &str, policy: TlsPolicy, connector: &ScriptedConnector) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts([host.parse().unwrap()]);
    endpoint_of(settings.with_tls(policy), connector)
}

fn endpoint_of(settings: ClientSettings, connector: &ScriptedConnector) -> SmtpEndpoint {
    let resolver = ScriptedResolver::new().with_addresses(
        "mx.example",
        koukan_core::network::DnsAnswer::insecure([[192, 0, 2, 1].into()]),
    );
    SmtpEndpoint::with_network(settings, Arc::new(connector.clone()), Arc::new(resolver))
}

#[tokio::test]
async fn mail_goes_over_tls_with_a_certificate_that_is_believed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = tells_tls().with_immediate_tls(authority.server("localhost"));
    let running = Running::start(server).await;
    let port = running.address.port();
    for (host, tls, expected) in [
        ("localhost", ClientTls::unverified(), "over TLSv1.3"),
        ("localhost", authority.client(), "over TLSv1.3"),
        ("localhost", other.client(), "451 4.7.5"),
        ("127.0.0.1", authority.client(), "451 4.7.5"),
    ] {
        let policy = TlsPolicy::Immediate(tls);
        let endpoint = crate::client::endpoint(&format!("{host}:{port}"), policy);
        // The second on a connection that is kept, where there is one.
        for _ in 0..2 {
            let outcome = outcome(&endpoint).await;
            assert!(outcome.contains(expected), "{host} {expected}: {outcome}");
            assert!(
                expected.starts_with("over") || outcome.contains("certificate"),
                "{outcome}"
            );
        }
        endpoint.close().await;
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_and_a_new_one_begins_as_the_first_did() {
    let authority = Authority::new();
    let connector = at_once(authority.server("mx.example"));
    let policy = TlsPolicy::Immediate(authority.client());
    let endpoint = endpoint_at("mx.example:465", policy, &connector);
    // It is kept for 30 seconds.
    for (idle, connections) in [(0, 1), (20, 1), (20, 1), (40, 2), (20, 2)] {
        tokio::time::sleep(Duration::from_secs(idle)).await;
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains("over TLSv1.3"), "{outcome}");
        assert_eq!(connector.asked().len(), connections);
    }
}

/// Hosts of one endpoint that begin in different ways, and have one name: each has its own connections.
#[tokio::test(start_paused = true)]
async fn hosts_that_begin_in_different_ways_are_not_mixed() {
    let authority = Authority::new();
    let tls = authority.server("mx.example");
    let connector = ScriptedConnector::new(move |address: std::net::SocketAddr, io| {
        let tls = tls.clone();
        match address.port() {
            465 => {
                tokio::spawn(serve_at_once(tells_tls(), io, tls));
            }
            587 => {
                let io = Secured::new(io, tls);
                tokio::spawn(tells_tls().serve_upgradable(io, &Connected::default()));
            }
            _ => {
                tokio::spawn(tells_tls().serve(io, &Connected::default()));
            }
        }
    });
    let tls = authority.client();
    for general in [
        TlsPolicy::Immediate(tls.clone()),
        TlsPolicy::Required(tls.clone()),
    ] {
        let mut hosts = HostTls::default();
        for (host, policy) in [
            ("MX.example:465", TlsPolicy::Immediate(tls.clone())),
            ("mx.example:587", TlsPolicy::Opportunistic(tls.clone())),
            ("mx.example:25", TlsPolicy::Never),
        ] {
            hosts.set(&host.parse().unwrap(), policy);
        }
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_tls(general).with_host_tls(hosts);
        let endpoint = endpoint_of(settings, &connector);
        let before = connector.asked().len();
        for _ in 0..2 {
            for (port, expected) in [
                (465, "over TLSv1.3"),
                (587, "over TLSv1.3"),
                (25, "over clear"),
            ] {
                let to = Destination::of_operator([format!("mx.example:{port}").parse().unwrap()]);
                let outcome = outcome_to(&endpoint, to).await;
                assert!(outcome.contains(expected), "{port}: {outcome}");
            }
        }
        assert_eq!(connector.asked().len() - before, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn mailboxes_by_lmtp_may_begin_with_tls() {
    let authority = Authority::new();
    let tls = authority.server("mx.example");
    let connector = ScriptedConnector::new(move |_, io| {
        let server = tells_tls().with_protocol(Protocol::Lmtp);
        tokio::spawn(serve_at_once(server, io, tls.clone()));
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_hosts(["mx.example:24".parse().unwrap()])
        .with_protocol(Protocol::Lmtp)
        .with_tls(TlsPolicy::Immediate(authority.client()));
    let endpoint = endpoint_of(settings, &connector);
    for _ in 0..2 {
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains("over TLSv1.3"), "{outcome}");
    }
    assert_eq!(connector.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn replies_tell_how_the_connection_is_encrypted() {
    let authority = Authority::new();
    let connector = at_once(authority.server("mx.example"));
    for (tls, verdict) in [
        (authority.client(), TlsVerdict::Verified),
        (ClientTls::unverified(), TlsVerdict::Unverified),
    ] {
        let endpoint = endpoint_at("mx.example:465", TlsPolicy::Immediate(tls), &connector);
        let to = [rcpt("bob@mx.example")];
        let outcome = send(endpoint, mail("a@me.example"), to, "hi\r\n").await;
        let extensions = outcome.verdict(0).extensions().clone();
        let encryption = extensions.get::<Encryption>().expect("TLS was begun");
        assert_eq!(
            (&*encryption.version, encryption.verdict),
            ("TLSv1.3", verdict)
        );
        assert_eq!(extensions.get::<TlsVerdict>(), Some(&verdict));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_is_shown_the_certificate() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let authorities = Authorities::from_pem(clients.pem().as_bytes()).unwrap();
    let asking = servers
        .server("mx.example")
        .with_authorities(authorities, true);
    let connector = at_once(asking);
    let own = Certificates::new([clients.certificate("relay.example")]);
    for (tls, expected) in [
        (servers.client().with_certificates(own), "over TLSv1.3"),
        // The server ends the connection once it has seen that there is none.
        (servers.client(), "451 4.4.2"),
    ] {
        let endpoint = endpoint_at("mx.example:465", TlsPolicy::Immediate(tls), &connector);
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains(expected), "{outcome}");
    }
}
