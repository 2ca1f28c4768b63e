//! Messages that are to go over TLS only: REQUIRETLS.

use std::sync::Arc;

use koukan_core::{
    middleware::{Next, State, from_fn_with_state},
    network::{DnsAnswer, Mx},
    path::Parameter,
    reply::Reply,
    signals::{Destination, TlsRequired},
    test_util::{Authority, ScriptedConnector, ScriptedResolver, mail, rcpt, send},
    tls::{ClientTls, ServerTls},
    transaction::{Mail, Transaction},
};
use koukan_smtp::{
    Protocol, Server,
    client::{ClientSettings, SmtpEndpoint, TlsPolicy},
    server::{Connected, Introduction, MakeMailService, Secured},
};
use tower::{BoxError, Layer, service_fn};

use crate::{
    client::{Trouble, serve},
    line_client::LineClient,
    mta_sts::to_domain,
    support::running::Running,
};

/// Takes mail, and says at the end how it came.
fn tells_how() -> Server<impl MakeMailService> {
    Server::new(service_fn(|mut tx: Transaction| async move {
        let is_required = tx.mail.request().parameters.is_requiretls();
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        while tx.body.next().await?.is_some() {}
        let tls = tx.context.tls.as_ref().map_or("clear", |tls| &*tls.version);
        let text = format!("REQUIRETLS {is_required} over {tls}");
        Ok::<_, BoxError>(Reply::message_accepted().with_text(text))
    }))
}

/// The same that does not offer it.
fn does_not_offer() -> Server<impl MakeMailService> {
    tells_how().with_greeter(service_fn(|mut client: Introduction| async move {
        client.offer.requiretls = false;
        Ok::<_, BoxError>(client.welcome())
    }))
}

fn required() -> Mail {
    let mut mail = mail("a@me.example");
    let parameter = Parameter::new("REQUIRETLS", None).unwrap();
    mail.parameters.push(parameter).unwrap();
    mail
}

/// Hosts: with TLS that offer it, with TLS that do not, and in clear.
fn connector(tls: ServerTls) -> ScriptedConnector {
    ScriptedConnector::new(move |address: std::net::SocketAddr, io| {
        let tls = tls.clone();
        match address.ip().to_string().as_str() {
            "192.0.2.1" => {
                let io = Secured::new(io, tls);
                tokio::spawn(tells_how().serve_upgradable(io, &Connected::default()));
            }
            "192.0.2.2" => {
                let io = Secured::new(io, tls);
                tokio::spawn(does_not_offer().serve_upgradable(io, &Connected::default()));
            }
            _ => {
                tokio::spawn(tells_how().serve(io, &Connected::default()));
            }
        }
    })
}

fn zone() -> ScriptedResolver {
    ScriptedResolver::of_zone(
        r#"
        $ORIGIN d.example.
        ;! secure
        @           MX 10 mx
        mx          A 192.0.2.1
        lacks       A 192.0.2.2
        clear       A 192.0.2.3
        two         MX 10 lacks
                    MX 20 mx
        ;! insecure
        anybody     MX 10 mx
        "#,
    )
}

fn endpoint(
    tls: ServerTls,
    settings: impl FnOnce(ClientSettings) -> ClientSettings,
) -> SmtpEndpoint {
    let set = settings(ClientSettings::new("me.example").unwrap());
    SmtpEndpoint::with_network(set, Arc::new(connector(tls)), Arc::new(zone()))
}

async fn outcome(endpoint: &SmtpEndpoint, mail: Mail, destination: Destination) -> String {
    let service = from_fn_with_state(destination, to_domain).layer(endpoint.clone());
    let to = [rcpt("bob@d.example")];
    let outcome = send(service, mail, to, "a: b\r\n\r\nhi\r\n").await;
    outcome.verdict(0).to_string()
}

fn named(host: &str) -> Destination {
    Destination::of_operator([format!("{host}.d.example:25").parse().unwrap()])
}

fn domain(domain: &str) -> Destination {
    Destination::of_domain(format!("{domain}:25").parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_host_is_verified_and_keeps_the_promise_or_does_not_get_the_message() {
    let (authority, other) = (Authority::new(), Authority::new());
    let right = || authority.server("mx.d.example");
    let opportunistic = TlsPolicy::Opportunistic(ClientTls::unverified());
    let taken = "REQUIRETLS true over TLSv1.3";
    let (insecure, lacking) = ("550 5.7.10 ", "550 5.7.30 ");
    for (what, tls, trust, to, expected) in [
        ("named", right(), Some(&authority), named("mx"), taken),
        (
            "proved",
            right(),
            Some(&authority),
            domain("d.example"),
            taken,
        ),
        (
            "wrong",
            other.server("mx.d.example"),
            Some(&authority),
            named("mx"),
            insecure,
        ),
        (
            "other name",
            authority.server("x"),
            Some(&authority),
            named("mx"),
            insecure,
        ),
        ("clear", right(), Some(&authority), named("clear"), insecure),
        ("nobody", right(), None, named("mx"), insecure),
        (
            "not proved",
            right(),
            Some(&authority),
            domain("anybody.d.example"),
            insecure,
        ),
        (
            "lacking",
            authority.server("lacks.d.example"),
            Some(&authority),
            named("lacks"),
            lacking,
        ),
    ] {
        let endpoint = endpoint(tls, |settings| {
            let settings = settings.with_tls(opportunistic.clone());
            match trust {
                Some(authority) => settings.with_trust(authority.client()),
                None => settings,
            }
        });
        for _ in 0..2 {
            let outcome = outcome(&endpoint, required(), to.clone()).await;
            assert!(outcome.contains(expected), "{what}: {outcome}");
        }
        // Of other messages nothing of it is asked.
        let outcome = outcome(&endpoint, mail("a@me.example"), to).await;
        assert!(
            outcome.contains("REQUIRETLS false over"),
            "{what}: {outcome}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_verifies_says_whom_to_trust_and_a_kept_connection_is_looked_at() {
    let authority = Authority::new();
    let tls = || authority.server("mx.d.example");
    let verifying = endpoint(tls(), |settings| {
        settings.with_tls(TlsPolicy::Required(authority.client()))
    });
    let found = outcome(&verifying, required(), named("mx")).await;
    assert!(found.contains("REQUIRETLS true over TLSv1.3"), "{found}");
    // One that was opened by a policy that does not verify is closed.
    let connector = connector(tls());
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_tls(TlsPolicy::Opportunistic(ClientTls::unverified()))
        .with_trust(authority.client());
    let endpoint =
        SmtpEndpoint::with_network(settings, Arc::new(connector.clone()), Arc::new(zone()));
    for (mail, connections) in [
        (mail("a@me.example"), 1),
        (mail("a@me.example"), 1),
        (required(), 2),
        (required(), 2),
        (mail("a@me.example"), 2),
    ] {
        let found = outcome(&endpoint, mail, named("mx")).await;
        assert!(found.contains("over TLSv1.3"), "{found}");
        assert_eq!(connector.asked().len(), connections);
    }
}

#[tokio::test(start_paused = true)]
async fn another_host_of_the_domain_may_keep_the_promise() {
    let authority = Authority::new();
    let both = koukan_core::tls::Certificates::new([
        authority.certificate("lacks.d.example"),
        authority.certificate("mx.d.example"),
    ]);
    let endpoint = endpoint(ServerTls::new(both), |settings| {
        settings
            .with_tls(TlsPolicy::Opportunistic(ClientTls::unverified()))
            .with_trust(authority.client())
    });
    let found = outcome(&endpoint, required(), domain("two.d.example")).await;
    assert!(found.contains("REQUIRETLS true over TLSv1.3"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_lost_amid_the_handshake_is_tried_again_later() {
    let authority = Authority::new();
    let connector = ScriptedConnector::new(|_, io| {
        tokio::spawn(serve(io, Trouble::HangsUp));
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_tls(TlsPolicy::Opportunistic(ClientTls::unverified()))
        .with_trust(authority.client());
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(connector), Arc::new(zone()));
    let found = outcome(&endpoint, required(), named("mx")).await;
    assert!(found.contains("451 4.7.5 "), "{found}");
}

#[tokio::test(start_paused = true)]
async fn records_of_the_dns_are_enough() {
    let authority = Authority::new();
    let pem = authority.issue("elsewhere.example");
    let resolver = zone().with_tlsa(
        "_25._tcp.mx.d.example",
        DnsAnswer::secure([pem.tlsa([3, 1, 1])]),
    );
    let resolver = resolver.with_mx("anybody.d.example", [Mx::new(1, "mx.d.example")]);
    let tls = ServerTls::new(koukan_core::tls::Certificates::new([pem.certificate()]));
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_tls(TlsPolicy::Opportunistic(ClientTls::unverified()))
        .with_dane();
    let endpoint =
        SmtpEndpoint::with_network(settings, Arc::new(connector(tls)), Arc::new(resolver));
    for (to, expected) in [
        ("d.example", "REQUIRETLS true over TLSv1.3"),
        ("anybody.d.example", "550 5.7.10 "),
    ] {
        let found = outcome(&endpoint, required(), domain(to)).await;
        assert!(found.contains(expected), "{to}: {found}");
    }
}

async fn waived(
    State(destination): State<Destination>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    tx.signals.set_durable(&TlsRequired(false))?;
    to_domain(State(destination), tx, next).await
}

#[tokio::test(start_paused = true)]
async fn what_need_not_be_secured_goes_whatever_the_domain_demands() {
    let authority = Authority::new();
    let other = authority.issue("x").tlsa([3, 1, 1]);
    let resolver = zone().with_tlsa("_25._tcp.mx.d.example", DnsAnswer::secure([other]));
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_tls(TlsPolicy::Opportunistic(ClientTls::unverified()))
        .with_dane();
    let connector = connector(authority.server("mx.d.example"));
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(connector), Arc::new(resolver));
    let to = || domain("d.example");
    let found = outcome(&endpoint, mail("a@me.example"), to()).await;
    assert!(found.contains("451 4.7.5 "), "{found}");
    for (mail, expected) in [
        (mail("a@me.example"), "over TLSv1.3"),
        // It is not for who needs TLS.
        (required(), "550 5.7.10 "),
    ] {
        let service = from_fn_with_state(to(), waived).layer(endpoint.clone());
        let sent = send(service, mail, [rcpt("bob@d.example")], "a: b\r\n\r\nhi\r\n");
        let found = sent.await.verdict(0).to_string();
        assert!(found.contains(expected), "{found}");
    }
}

#[tokio::test(start_paused = true)]
async fn mailboxes_behind_lmtp_are_the_end_of_the_way() {
    let connector = ScriptedConnector::new(|_, io| {
        let server = tells_how().with_protocol(Protocol::Lmtp);
        tokio::spawn(server.serve(io, &Connected::default()));
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_protocol(Protocol::Lmtp);
    let endpoint = SmtpEndpoint::with_network(settings, Arc::new(connector), Arc::new(zone()));
    let found = outcome(&endpoint, required(), named("mx")).await;
    assert!(found.contains("REQUIRETLS false over clear"), "{found}");
}

#[tokio::test]
async fn a_server_offers_it_over_tls_only() {
    let authority = Authority::new();
    let server = tells_how().with_starttls(authority.server("mx.example"));
    let running = Running::start(server).await;
    let mut client = LineClient::connect(&running).await;
    client.reply().await;
    let mail = "MAIL FROM:<a@example.com> REQUIRETLS\r\n";
    assert!(!client.ask("EHLO me\r\n").await.contains("REQUIRETLS"));
    assert!(client.ask(mail).await.starts_with("555 5.5.4 "));
    assert!(client.ask("STARTTLS\r\n").await.starts_with("220 "));
    client.begin_tls(&authority.client(), "mx.example").await;
    assert!(
        client
            .ask("EHLO me\r\n")
            .await
            .contains("250-REQUIRETLS\r\n")
    );
    assert!(client.ask(mail).await.starts_with("250 "));
    let rcpt = client.ask("RCPT TO:<b@example.com>\r\n").await;
    assert!(rcpt.starts_with("250 "), "{rcpt}");
    assert!(client.ask("DATA\r\n").await.starts_with("354 "));
    let last = client.ask("a: b\r\n\r\nhello\r\n.\r\n").await;
    assert!(last.contains("REQUIRETLS true over TLSv1.3"), "{last}");
    running.stop().await;
}
