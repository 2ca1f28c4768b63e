//! What domains and messages demand of hosts that begin with TLS.

use koukan_core::{network::DnsAnswer, path::Parameter, transaction::Mail};

use super::*;

const ZONE: &str = r#"
    $ORIGIN d.example.
    ;! secure
    @           MX 10 mx
    mx          A 192.0.2.1
"#;

/// The records stand at the port that is connected to.
#[tokio::test(start_paused = true)]
async fn the_dns_names_the_certificate_for_the_port() {
    let authority = Authority::new();
    let (own, other) = (authority.issue("mx.d.example"), authority.issue("x"));
    let tls = || ServerTls::new(Certificates::new([own.certificate()]));
    let (right, wrong) = ([own.tlsa([3, 1, 1])], [other.tlsa([3, 1, 1])]);
    for (at_465, at_25, expected, verdict) in [
        (Some(&right), None, "over TLSv1.3", Some(TlsVerdict::Dane)),
        (
            Some(&right),
            Some(&wrong),
            "over TLSv1.3",
            Some(TlsVerdict::Dane),
        ),
        (Some(&wrong), Some(&right), "451 4.7.5", None),
        // Without records the settings decide.
        (
            None,
            Some(&wrong),
            "over TLSv1.3",
            Some(TlsVerdict::Unverified),
        ),
    ] {
        let mut resolver = ScriptedResolver::of_zone(ZONE);
        for (port, records) in [(465, at_465), (25, at_25)] {
            if let Some(records) = records {
                let name = format!("_{port}._tcp.mx.d.example");
                resolver = resolver.with_tlsa(&name, DnsAnswer::secure(records.to_vec()));
            }
        }
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings
            .with_tls(TlsPolicy::Immediate(ClientTls::unverified()))
            .with_dane();
        let connector = Arc::new(at_once(tls()));
        let endpoint = SmtpEndpoint::with_network(settings, connector, Arc::new(resolver));
        let to = Destination::of_domain("d.example:465".parse().unwrap());
        for _ in 0..2 {
            let reply = reply_to(&endpoint, mail("a@me.example"), to.clone()).await;
            let text = reply.to_string();
            assert!(text.contains(expected), "{expected}: {text}");
            assert_eq!(reply.extensions().get::<TlsVerdict>(), verdict.as_ref());
        }
    }
}

async fn reply_to(
    endpoint: &SmtpEndpoint,
    mail: Mail,
    destination: Destination,
) -> koukan_core::reply::Reply {
    use koukan_core::middleware::from_fn_with_state;
    use tower::Layer;
    let service =
        from_fn_with_state(destination, crate::mta_sts::to_domain).layer(endpoint.clone());
    let outcome = send(service, mail, [rcpt("bob@d.example")], "a: b\r\n\r\nhi\r\n").await;
    outcome.verdict(0).clone()
}

fn required() -> Mail {
    let mut mail = mail("a@me.example");
    let parameter = Parameter::new("REQUIRETLS", None).unwrap();
    mail.parameters.push(parameter).unwrap();
    mail
}

/// A message with REQUIRETLS is not sent on a connection whose certificate nobody has looked at, nor at a server that
/// greets in clear.
#[tokio::test(start_paused = true)]
async fn a_message_that_needs_tls_gets_a_certificate_that_is_believed() {
    let authority = Authority::new();
    let other = Authority::new();
    let to = || Destination::of_operator(["mx.example:465".parse().unwrap()]);
    let unverified = || TlsPolicy::Immediate(ClientTls::unverified());
    let verified = || TlsPolicy::Immediate(authority.client());
    for (policy, trust, expected, connections) in [
        (verified(), None, "over TLSv1.3", 1),
        (unverified(), Some(&authority), "over TLSv1.3", 2),
        (unverified(), Some(&other), "550 5.7.10", 2),
        (unverified(), None, "550 5.7.10", 1),
    ] {
        let settings = ClientSettings::new("me.example").unwrap().with_tls(policy);
        let settings = match trust {
            Some(trust) => settings.with_trust(trust.client()),
            None => settings,
        };
        let connector = at_once(authority.server("mx.example"));
        let endpoint = endpoint_of(settings, &connector);
        let first = reply_to(&endpoint, mail("a@me.example"), to()).await;
        assert!(first.text().contains("over TLSv1.3"), "{first}");
        let reply = reply_to(&endpoint, required(), to()).await.to_string();
        assert!(reply.contains(expected), "{reply}");
        assert_eq!(connector.asked().len(), connections, "{reply}");
    }
    let connector = ScriptedConnector::new(|_, io| {
        tokio::spawn(tells_tls().serve(io, &Connected::default()));
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let endpoint = endpoint_of(settings.with_tls(verified()), &connector);
    let reply = reply_to(&endpoint, required(), to()).await.to_string();
    assert!(reply.starts_with("550 5.7.10 "), "{reply}");
    assert!(reply.contains("greets in clear"), "{reply}");
}
