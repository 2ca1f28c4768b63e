//! The filter that asks the DNS for the domains of a transaction.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use koukan_core::{
    filter::{
        dns_resolution::{
            Asked, DnsResolution, DnsResolutionLayer, Resolution, ResolutionMatcher, TIME_MAX,
        },
        policy_action::{Expression, PolicyAction, PolicyLayer, PolicyRule},
        router::{DestDomain, RouterLayer},
    },
    reply::Reply,
    test_util::{Script, ScriptedResolver, mail, rcpt, send},
};
use tokio::time::Instant;
use tower::Layer;

fn dns() -> ScriptedResolver {
    ScriptedResolver::of_zone(
        r#"
        good.example.     MX 10 mx.good.example.
                          MX 5  silent.example.
        mx.good.example.  A 192.0.2.1
        plain.example.    AAAA 2001:db8::1
        null.example.     MX 0 .
        hostless.example. MX 10 nowhere.example.
        text.example.     TXT "nothing else"
        down.example.     ;! servfail
        silent.example.   ;! timeout
        shut.example.     MX 10 silent.example.
        xn--bcher-kva.example. A 192.0.2.2
        "#,
    )
}

fn layer(dns: &ScriptedResolver) -> DnsResolutionLayer {
    DnsResolutionLayer::new(Arc::new(dns.clone()))
}

/// Domains, their results, and whether the filter waits for the DNS until the end.
const CASES: [(&str, Resolution, bool); 11] = [
    ("good.example", Resolution::Ok, false),
    ("GOOD.example", Resolution::Ok, false),
    ("plain.example", Resolution::Ok, false),
    ("b\u{fc}cher.example", Resolution::Ok, false),
    ("[192.0.2.1]", Resolution::Ok, false),
    ("null.example", Resolution::NullMx, false),
    ("hostless.example", Resolution::Nx, false),
    ("text.example", Resolution::Nx, false),
    ("unknown.example", Resolution::Nx, false),
    ("down.example", Resolution::Temp, false),
    ("shut.example", Resolution::Temp, true),
];

#[tokio::test(start_paused = true)]
async fn what_is_said_of_the_reverse_path_goes_with_the_message() {
    for (domain, result, waits) in CASES {
        let (upstream, began) = (Script::new(), Instant::now());
        let service = layer(&dns()).layer(upstream.clone());
        let _ = send(
            service,
            mail(&format!("a@{domain}")),
            [rcpt("postmaster")],
            "\r\n",
        )
        .await;
        let received = upstream.only_received();
        let found: DnsResolution = received.signals.find_durable().unwrap().unwrap();
        assert_eq!(found.mail_result, Some(result), "{domain}");
        let took = if waits { TIME_MAX } else { Duration::ZERO };
        assert_eq!(began.elapsed().as_secs(), took.as_secs(), "{domain}");
    }
    let upstream = Script::new();
    let service = layer(&dns()).layer(upstream.clone());
    let _ = send(service, mail(""), [rcpt("postmaster")], "\r\n").await;
    let received = upstream.only_received();
    let found: DnsResolution = received.signals.find_durable().unwrap().unwrap();
    assert_eq!(found.mail_result, None);
}

/// Refuses recipients whose domain has one of these results.
fn refusing(asked: Asked, results: &[Resolution]) -> PolicyLayer {
    let matcher = ResolutionMatcher::new(asked, results.iter().copied());
    PolicyLayer::new(
        PolicyRule::new("domains")
            .with_action(PolicyAction::Reject)
            .with_match(Expression::new(matcher))
            .per_recipient(),
    )
}

#[tokio::test(start_paused = true)]
async fn rules_know_each_recipient_and_wait_once_for_all_that_are_silent() {
    let dns = dns();
    for (asked, is_routed) in [(Asked::RcptTo, false), (Asked::NextHop, true)] {
        for result in Resolution::ALL {
            let upstream = Script::new();
            let rules = refusing(asked, &[result]).layer(upstream.clone());
            let service = layer(&dns).layer(rules);
            for (domain, expected, _) in CASES {
                let to = [rcpt(&format!("b@{domain}"))];
                // An address literal is not a domain to which a router sends.
                let outcome = match is_routed {
                    _ if is_routed && domain.starts_with('[') => continue,
                    true => {
                        let router = RouterLayer::new(DestDomain::new().by_mx());
                        send(
                            router.layer(service.clone()),
                            mail("a@plain.example"),
                            to,
                            "\r\n",
                        )
                        .await
                    }
                    false => send(service.clone(), mail("a@plain.example"), to, "\r\n").await,
                };
                let is_refused = outcome.recipients != [Reply::recipient_ok()];
                assert_eq!(
                    is_refused,
                    expected == result,
                    "{domain} {result:?} {asked:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_silent_domains_take_no_longer_than_one_and_a_domain_is_asked_for_once() {
    let dns = (0..20).fold(dns(), |dns, it| {
        dns.with_silence(&format!("silent{it}.example"))
    });
    let upstream = Script::new();
    let rules = refusing(Asked::RcptTo, &[Resolution::Temp]).layer(upstream.clone());
    let service = layer(&dns).layer(rules);
    let silent = (0..20).map(|it| format!("b@silent{it}.example"));
    let to = ["a@good.example".to_owned(), "b@Good.example".to_owned()];
    let to = to.into_iter().chain(silent).map(|to| rcpt(&to));
    let began = Instant::now();
    let outcome = send(service, mail(""), to, "\r\n").await;
    assert_eq!(began.elapsed().as_secs(), TIME_MAX.as_secs());
    let refused = outcome
        .recipients
        .iter()
        .filter(|reply| !reply.is_positive());
    assert_eq!(refused.count(), 20);
    let asked = dns.asked();
    let good = asked.iter().filter(|asked| *asked == "MX good.example");
    assert_eq!(good.count(), 1, "{asked:?}");
}
