//! Clients that show certificates.

use koukan_core::{
    test_util::Authority,
    tls::{Authorities, Certificates, ClientTls},
};
use koukan_smtp::client::{ClientSettings, HostIdentities, HostIdentity, SmtpEndpoint, TlsPolicy};

use crate::{client::outcome, line_client::LineClient, support::running::Running, tells_identity};

fn shown(authority: &Authority, of: &Authority, name: &str) -> ClientTls {
    let own = Certificates::new([of.certificate(name)]);
    authority.client().with_certificates(own)
}

async fn greeted(running: &Running, tls: &ClientTls) -> (LineClient, String) {
    let mut client = LineClient::connect(running).await;
    client.reply().await;
    client.ask("EHLO me\r\n").await;
    assert!(client.ask("STARTTLS\r\n").await.starts_with("220 "));
    client.begin_tls(tls, "mx.example").await;
    let hello = client.ask("EHLO me\r\n").await;
    (client, hello)
}

async fn mail(client: &mut LineClient) -> String {
    client.ask("MAIL FROM:<a@example.com>\r\n").await;
    client.ask("RCPT TO:<b@example.com>\r\n").await;
    client.ask("DATA\r\n").await;
    client.ask("a: b\r\n\r\nhello\r\n.\r\n").await
}

#[tokio::test]
async fn who_has_a_certificate_says_by_it_who_he_is() {
    let (servers, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let authorities = Authorities::from_pem(clients.pem().as_bytes()).unwrap();
    let tls = servers.server("mx.example");
    let tls = tls.with_authorities(authorities.clone(), false);
    let running = Running::start(tells_identity().with_starttls(tls)).await;
    let own = shown(&servers, &clients, "relay.example");
    // Twice: a session is not resumed, and the name is known again.
    for _ in 0..2 {
        let (mut client, hello) = greeted(&running, &own).await;
        assert!(hello.contains("250-AUTH EXTERNAL\r\n"), "{hello}");
        assert!(
            mail(&mut client).await.contains("nobody"),
            "it is not said yet"
        );
        for (line, code) in [
            ("AUTH EXTERNAL Ym9i", "535"),
            ("AUTH EXTERNAL !", "501"),
            ("AUTH PLAIN AGEAYg==", "504"),
            ("AUTH EXTERNAL cmVsYXkuZXhhbXBsZQ==", "235"),
            ("AUTH EXTERNAL =", "503"),
        ] {
            let reply = client.ask(&format!("{line}\r\n")).await;
            assert!(reply.starts_with(code), "{line}: {reply}");
        }
        assert!(mail(&mut client).await.contains("relay.example"));
    }
    let (mut client, _) = greeted(&running, &own).await;
    assert!(client.ask("AUTH EXTERNAL\r\n").await.starts_with("334 "));
    assert!(client.ask("\r\n").await.starts_with("235 "));
    // Who has none is served, and not known.
    let (mut client, hello) = greeted(&running, &servers.client()).await;
    assert!(!hello.contains("AUTH"), "{hello}");
    assert!(client.ask("AUTH EXTERNAL =\r\n").await.starts_with("502 "));
    assert!(mail(&mut client).await.contains("nobody"));
    // Another's certificate ends it.
    let stranger = shown(&servers, &others, "relay.example");
    let mut client = LineClient::connect(&running).await;
    client.reply().await;
    client.ask("EHLO me\r\n").await;
    client.ask("STARTTLS\r\n").await;
    client.begin_tls(&stranger, "mx.example").await;
    client.send("EHLO me\r\n").await;
    assert_eq!(client.rest().await, "");
    // Authorities are replaced while the server runs.
    authorities.replace(others.pem().as_bytes()).unwrap();
    let (_, hello) = greeted(&running, &stranger).await;
    assert!(hello.contains("250-AUTH EXTERNAL\r\n"), "{hello}");
    authorities.replace(b"nothing").unwrap_err();
    greeted(&running, &stranger).await;
    running.stop().await;
}

#[tokio::test]
async fn where_one_is_required_others_are_not_served() {
    let authority = Authority::new();
    let authorities = Authorities::from_pem(authority.pem().as_bytes()).unwrap();
    let tls = authority
        .server("mx.example")
        .with_authorities(authorities, true);
    let running = Running::start(tells_identity().with_immediate_tls(tls)).await;
    let own = shown(&authority, &authority, "relay.example");
    for (tls, expected) in [(own, "220 "), (authority.client(), "")] {
        let mut client = LineClient::connect(&running).await;
        client.begin_tls(&tls, "mx.example").await;
        client.send("QUIT\r\n").await;
        let said = client.rest().await;
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(said.is_empty(), expected.is_empty(), "{said}");
    }
    running.stop().await;
}

/// The certificate for one host is shown to that one, and to no other.
#[tokio::test]
async fn a_host_is_shown_the_certificate_that_is_for_it() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let authorities = Authorities::from_pem(clients.pem().as_bytes()).unwrap();
    let asking = || {
        let tls = servers.server("localhost");
        tells_identity().with_starttls(tls.with_authorities(authorities.clone(), true))
    };
    let (known, other) = (
        Running::start(asking()).await,
        Running::start(asking()).await,
    );
    let host = |running: &Running| format!("localhost:{}", running.address.port());
    let own = Certificates::new([clients.certificate("relay.example")]);
    let mut identities = HostIdentities::default();
    let identity = HostIdentity::default().with_certificates(own);
    identities.set(&host(&known).parse().unwrap(), identity);
    for (running, expected) in [(&known, "250 "), (&other, "451 4.")] {
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings
            .with_hosts([host(running).parse().unwrap()])
            .with_identities(identities.clone())
            .with_tls(TlsPolicy::Required(servers.client()));
        let verdict = outcome(&SmtpEndpoint::new(settings)).await;
        assert!(verdict.starts_with(expected), "{verdict}");
    }
}
