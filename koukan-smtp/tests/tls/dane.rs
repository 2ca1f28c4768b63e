//! Certificates that the DNS names: DANE.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use koukan_core::{
    network::{DnsAnswer, LookupError, Mx, Proof, Resolver, SharedResolver, Tlsa},
    signals::Destination,
    test_util::{Authority, ScriptedConnector, ScriptedResolver},
    tls::{Certificate, Certificates, ClientTls, ServerTls},
};
use koukan_smtp::{
    client::{ClientSettings, MtaSts, SmtpEndpoint, TlsPolicy},
    server::{Connected, Secured},
};

use crate::{mta_sts::outcome_to, tells_tls};

const ZONE: &str = r#"
    $ORIGIN d.example.
    ;! secure
    @           MX 10 mx
    mx          A 192.0.2.1
"#;

/// An endpoint to a host that has this TLS, if any, in a world of this zone.
fn endpoint(resolver: &ScriptedResolver, tls: Option<ServerTls>) -> SmtpEndpoint {
    endpoint_with(Arc::new(resolver.clone()), tls)
}

fn endpoint_with(resolver: SharedResolver, tls: Option<ServerTls>) -> SmtpEndpoint {
    let policy = TlsPolicy::Opportunistic(ClientTls::unverified());
    endpoint_by(policy, resolver, tls)
}

fn endpoint_by(
    policy: TlsPolicy,
    resolver: SharedResolver,
    tls: Option<ServerTls>,
) -> SmtpEndpoint {
    let connector = ScriptedConnector::new(move |_, io| {
        let server = tells_tls();
        match tls.clone() {
            Some(tls) => {
                let io = Secured::new(io, tls);
                tokio::spawn(server.serve_upgradable(io, &Connected::default()));
            }
            None => {
                tokio::spawn(server.serve(io, &Connected::default()));
            }
        }
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_tls(policy).with_dane();
    SmtpEndpoint::with_network(settings, Arc::new(connector), resolver)
}

fn at(name: &str, zone: &str, records: &[Tlsa]) -> ScriptedResolver {
    let answer = DnsAnswer::secure(records.to_vec());
    ScriptedResolver::of_zone(zone).with_tlsa(&format!("_25._tcp.{name}.d.example"), answer)
}

async fn outcome(endpoint: &SmtpEndpoint) -> String {
    let destination = Destination::of_domain("d.example:25".parse().unwrap());
    outcome_to(endpoint, destination).await
}

fn with_records(zone: &str, records: &[Tlsa], proof: Proof) -> ScriptedResolver {
    let mut answer = DnsAnswer::insecure(records.to_vec());
    answer.proof = proof;
    ScriptedResolver::of_zone(zone).with_tlsa("_25._tcp.mx.d.example", answer)
}

#[tokio::test(start_paused = true)]
async fn the_certificate_is_to_be_one_that_a_record_names() {
    let (authority, other) = (Authority::new(), Authority::new());
    let own = authority.issue("mx.d.example");
    let elsewhere = authority.issue("other.example");
    let of_domain = authority.issue("d.example");
    let chained = |pem: &koukan_core::test_util::Pem| {
        let chain = pem.certificate.clone() + &authority.pem();
        let certificate = Certificate::from_pem(chain.as_bytes(), pem.key.as_bytes()).unwrap();
        ServerTls::new(Certificates::new([certificate]))
    };
    let alone = ServerTls::new(Certificates::new([own.certificate()]));
    let (tls, failed) = ("over TLSv1.3", "451 4.7.5");
    for (records, server, expected) in [
        (vec![own.tlsa([3, 1, 1])], &alone, tls),
        (vec![own.tlsa([3, 1, 0])], &alone, tls),
        (vec![own.tlsa([3, 0, 2])], &alone, tls),
        (vec![own.tlsa([3, 0, 0])], &alone, tls),
        // The name does not count, nor who certifies.
        (vec![elsewhere.tlsa([3, 1, 1])], &chained(&elsewhere), tls),
        (vec![elsewhere.tlsa([3, 1, 1])], &alone, failed),
        // One of several, as amid a change of keys.
        (
            vec![elsewhere.tlsa([3, 1, 1]), own.tlsa([3, 1, 1])],
            &alone,
            tls,
        ),
        // Who certifies is to be shown, or to stand in the record.
        (vec![authority.tlsa([2, 0, 1])], &chained(&own), tls),
        (vec![authority.tlsa([2, 1, 2])], &chained(&own), tls),
        (vec![authority.tlsa([2, 0, 1])], &alone, failed),
        (vec![authority.tlsa([2, 0, 0])], &alone, tls),
        (vec![other.tlsa([2, 0, 1])], &chained(&own), failed),
        (vec![other.tlsa([2, 0, 0])], &chained(&own), failed),
        // Then the name counts.
        (
            vec![authority.tlsa([2, 0, 1])],
            &chained(&elsewhere),
            failed,
        ),
        // It may also be the domain's.
        (vec![authority.tlsa([2, 0, 1])], &chained(&of_domain), tls),
        // A record of one usage says nothing of the other.
        (vec![own.tlsa([2, 1, 1])], &alone, failed),
        (vec![authority.tlsa([3, 1, 1])], &chained(&own), failed),
        // Those of public authorities, and such as are cut short, are of no use: any certificate will do.
        (
            vec![other.tlsa([0, 0, 1]), other.tlsa([1, 1, 1])],
            &alone,
            tls,
        ),
        (
            vec![Tlsa {
                data: [1, 2].into(),
                ..other.tlsa([3, 1, 1])
            }],
            &alone,
            tls,
        ),
    ] {
        let resolver = with_records(ZONE, &records, Proof::Secure);
        let endpoint = endpoint(&resolver, Some(server.clone()));
        for _ in 0..2 {
            let outcome = outcome(&endpoint).await;
            assert!(outcome.contains(expected), "{records:?}: {outcome}");
        }
    }
    // Nor is any in clear.
    for records in [[own.tlsa([3, 1, 1])], [other.tlsa([1, 1, 1])]] {
        let resolver = with_records(ZONE, &records, Proof::Secure);
        let outcome = outcome(&endpoint(&resolver, None)).await;
        assert!(outcome.contains("451 4.7.4"), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_dns_does_not_prove_is_not_demanded_and_what_it_hides_is_not_passed_over() {
    let authority = Authority::new();
    let wrong = [authority.issue("x").tlsa([3, 1, 1])];
    let server = || Some(authority.server("mx.d.example"));
    let of_name = |zone: &str, fault: &str| {
        ScriptedResolver::of_zone(&format!("{zone}\n_25._tcp.mx.d.example. {fault}\n"))
    };
    let unproved_mx = ZONE.replace("mx          A", "other A 192.0.2.9\n;! secure\nmx A");
    let unproved_mx = unproved_mx.replacen(";! secure", ";! insecure", 1);
    let unproved_address = ZONE.replace("    mx ", ";! insecure\nmx ");
    let taken = "over TLSv1.3";
    for (what, resolver, expected) in [
        (
            "mx",
            with_records(&unproved_mx, &wrong, Proof::Secure),
            taken,
        ),
        (
            "address",
            with_records(&unproved_address, &wrong, Proof::Secure),
            taken,
        ),
        (
            "records",
            with_records(ZONE, &wrong, Proof::Insecure),
            taken,
        ),
        ("none", with_records(ZONE, &[], Proof::Secure), taken),
        ("no name", ScriptedResolver::of_zone(ZONE), taken),
        (
            "wrong",
            with_records(ZONE, &wrong, Proof::Secure),
            "451 4.7.5",
        ),
        ("failure", of_name(ZONE, ";! servfail"), "451 4.4.3"),
        ("silence", of_name(ZONE, ";! timeout"), "451 4.4.3"),
        (
            "failure elsewhere",
            of_name(&unproved_mx, ";! servfail"),
            taken,
        ),
    ] {
        let outcome = outcome(&endpoint(&resolver, server())).await;
        assert!(outcome.contains(expected), "{what}: {outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_records_are_hidden_gives_way_to_the_next() {
    let authority = Authority::new();
    let zone = format!("{ZONE}\n@ MX 20 second\nsecond A 192.0.2.2\n_25._tcp.mx ;! servfail\n");
    let resolver = ScriptedResolver::of_zone(&zone);
    let outcome = outcome(&endpoint(&resolver, Some(authority.server("x")))).await;
    assert!(outcome.contains("over TLSv1.3"), "{outcome}");
}

#[tokio::test(start_paused = true)]
async fn what_the_dns_names_counts_before_a_policy() {
    let authority = Authority::new();
    let pem = authority.issue("mx.d.example");
    let resolver = with_records(ZONE, &[pem.tlsa([3, 1, 1])], Proof::Secure);
    let wrong = Authority::new();
    let tls = ServerTls::new(Certificates::new([wrong.certificate("mx.d.example")]));
    let connector = ScriptedConnector::new(move |_, io| {
        let io = Secured::new(io, tls.clone());
        tokio::spawn(tells_tls().serve_upgradable(io, &Connected::default()));
    });
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings
        .with_tls(TlsPolicy::Opportunistic(ClientTls::unverified()))
        .with_dane()
        .with_mta_sts(MtaSts::new(wrong.client()));
    let endpoint =
        SmtpEndpoint::with_network(settings, Arc::new(connector), Arc::new(resolver.clone()));
    let outcome = outcome(&endpoint).await;
    assert!(outcome.contains("451 4.7.5"), "{outcome}");
}

#[tokio::test(start_paused = true)]
async fn records_of_a_host_that_is_an_alias_stand_at_either_name() {
    let authority = Authority::new();
    let (own, other) = (authority.issue("real.d.example"), authority.issue("x"));
    let certificate = Certificate::from_pem(
        (own.certificate.clone() + &authority.pem()).as_bytes(),
        own.key.as_bytes(),
    );
    let server = ServerTls::new(Certificates::new([certificate.unwrap()]));
    let zone = |from: &str, to: &str| {
        format!(
            "$ORIGIN d.example.\n;! secure\n@ MX 10 mx\n;! {from}\nmx CNAME real\n\
             ;! {to}\nreal A 192.0.2.1\n"
        )
    };
    let proved = zone("secure", "secure");
    let (right, wrong) = ([own.tlsa([3, 1, 1])], [other.tlsa([3, 1, 1])]);
    let (taken, refused) = ("over TLSv1.3", "451 4.7.5");
    for (what, resolver, expected) in [
        ("its end", at("real", &proved, &right), taken),
        ("its end, wrong", at("real", &proved, &wrong), refused),
        ("itself", at("mx", &proved, &right), taken),
        ("itself, wrong", at("mx", &proved, &wrong), refused),
        (
            "its end first",
            at("mx", &proved, &wrong)
                .with_tlsa("_25._tcp.real.d.example", DnsAnswer::secure(right.to_vec())),
            taken,
        ),
        // The server is asked for by the name at which the records stand.
        (
            "its name",
            at("real", &proved, &[authority.tlsa([2, 0, 1])]),
            taken,
        ),
        // Of an alias that leads out of what is proved, only its own name counts.
        (
            "out, itself",
            at("mx", &zone("secure", "insecure"), &wrong),
            refused,
        ),
        (
            "out, its end",
            at("real", &zone("secure", "insecure"), &wrong),
            taken,
        ),
        // Anybody may have made this alias up.
        (
            "into",
            at("real", &zone("insecure", "secure"), &wrong),
            taken,
        ),
        (
            "into, itself",
            at("mx", &zone("insecure", "secure"), &wrong),
            taken,
        ),
    ] {
        let outcome = outcome(&endpoint(&resolver, Some(server.clone()))).await;
        assert!(outcome.contains(expected), "{what}: {outcome}");
    }
}

/// A DNS whose first answer about addresses is lost.
#[derive(Debug)]
struct LosesFirst(ScriptedResolver, AtomicBool);

#[async_trait]
impl Resolver for LosesFirst {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        match self.1.swap(true, Ordering::Relaxed) {
            false => Err(LookupError::failed("lost")),
            true => self.0.addresses(host).await,
        }
    }

    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        self.0.mx(domain).await
    }

    async fn tlsa(&self, name: &str) -> Result<DnsAnswer<Tlsa>, LookupError> {
        self.0.tlsa(name).await
    }
}

#[tokio::test(start_paused = true)]
async fn who_keeps_one_answer_back_does_not_get_the_mail() {
    let (authority, other) = (Authority::new(), Authority::new());
    let records = [other.issue("x").tlsa([3, 1, 1])];
    let resolver = with_records(ZONE, &records, Proof::Secure);
    let resolver = Arc::new(LosesFirst(resolver, AtomicBool::new(false)));
    let endpoint = endpoint_with(resolver, Some(authority.server("mx.d.example")));
    for expected in ["451 4.4.3", "451 4.7.5"] {
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains(expected), "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn records_of_no_use_lower_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let records = [other.issue("x").tlsa([1, 1, 1])];
    for (server, expected) in [
        (authority.server("mx.d.example"), "over TLSv1.3"),
        (other.server("mx.d.example"), "451 4.7.5"),
    ] {
        let resolver = with_records(ZONE, &records, Proof::Secure);
        let policy = TlsPolicy::Required(authority.client());
        let endpoint = endpoint_by(policy, Arc::new(resolver), Some(server));
        let outcome = outcome(&endpoint).await;
        assert!(outcome.contains(expected), "{outcome}");
    }
}
