//! The filter that checks SPF, with a scripted DNS.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use koukan_core::{
    blob::Blob,
    clock::SystemClock,
    context::Context,
    middleware::DeliverRequest,
    test_util::{Script, ScriptedResolver, context, context_from, mail, rcpt, send_with},
};
use koukan_mail_auth::spf_check::{Identity, Spf, SpfCheckLayer, TIME_MAX};
use tokio::time::Instant;
use tower::Layer;

fn dns() -> ScriptedResolver {
    let record = |text: &str| [Box::from(text.as_bytes())];
    ScriptedResolver::new()
        .with_txt("example.com", record("v=spf1 ip4:192.0.2.1 -all"))
        .with_txt(
            "refused.example",
            record("v=spf1 -all exp=why.refused.example"),
        )
        .with_txt("why.refused.example", record("%{i} is none of ours"))
        .with_txt("mx.example.org", record("v=spf1 l:%{l}"))
        .with_txt(
            "post.example.org",
            record("v=spf1 exists:%{l}.users.example.org -all"),
        )
        .with_addresses(
            "postmaster.users.example.org",
            ["192.0.2.9".parse().unwrap()],
        )
        .with_txt("xn--bcher-kva.example", record("v=spf1 +all"))
        .with_txt("mute.example", record("v=spf1 -all exp=silent.example"))
        .with_failure("down.example")
        .with_silence("silent.example")
}

async fn asked(context: impl Into<Arc<Context>>, from: &str) -> Spf {
    let upstream = Script::new();
    let layer = SpfCheckLayer::new("mx.example.net", Arc::new(dns()), Arc::new(SystemClock));
    let blob = Blob::from_bytes("\r\nhello\r\n".into());
    let mut request = DeliverRequest::new(context.into(), mail(from), blob);
    request.recipients = vec![rcpt("bob@y")];
    let outcome = send_with(layer.layer(upstream.clone()), request).await;
    assert!(outcome.message.unwrap().is_positive());
    let received = upstream.received();
    received[0].signals.find_durable().unwrap().unwrap()
}

#[tokio::test]
async fn what_is_found_out_goes_with_the_message() {
    let client = "192.0.2.1:25";
    for (remote, helo, from, result, domain, identity) in [
        (
            client,
            "h",
            "a@example.com",
            "pass",
            "example.com",
            Identity::MailFrom,
        ),
        (
            client,
            "h",
            "a@EXAMPLE.com",
            "pass",
            "example.com",
            Identity::MailFrom,
        ),
        (
            "[::ffff:192.0.2.1]:25",
            "h",
            "a@example.com",
            "pass",
            "example.com",
            Identity::MailFrom,
        ),
        (
            "192.0.2.2:25",
            "h",
            "a@example.com",
            "fail",
            "example.com",
            Identity::MailFrom,
        ),
        (
            "[2001:db8::1]:25",
            "h",
            "a@example.com",
            "fail",
            "example.com",
            Identity::MailFrom,
        ),
        (
            client,
            "h",
            "a@unknown.example",
            "none",
            "unknown.example",
            Identity::MailFrom,
        ),
        (
            client,
            "h",
            "a@down.example",
            "temperror",
            "down.example",
            Identity::MailFrom,
        ),
        (
            client,
            "mx.example.org",
            "",
            "permerror",
            "mx.example.org",
            Identity::Helo,
        ),
        (
            client,
            "post.example.org",
            "",
            "pass",
            "post.example.org",
            Identity::Helo,
        ),
        (client, "[192.0.2.1]", "", "none", "", Identity::Helo),
        (client, "h", "", "none", "h", Identity::Helo),
        (client, "h", "a@[192.0.2.1]", "none", "", Identity::MailFrom),
        (
            client,
            "h",
            "a@b\u{fc}cher.example",
            "pass",
            "xn--bcher-kva.example",
            Identity::MailFrom,
        ),
    ] {
        let found = asked(context_from(remote, helo), from).await;
        let expected = (result, domain, identity);
        let found = (&*found.result, &*found.domain, found.identity);
        assert_eq!(found, expected, "{remote} {helo} {from}");
    }
}

#[tokio::test]
async fn who_has_no_address_is_not_asked_about() {
    let found = asked(context(), "a@example.com").await;
    assert_eq!(found.result, "none");
}

#[tokio::test]
async fn a_domain_explains_why_it_refuses() {
    let found = asked(context_from("192.0.2.7:25", "h"), "a@refused.example").await;
    let explained = found.explanation.as_deref();
    assert_eq!(explained, Some("192.0.2.7 is none of ours"));
}

#[tokio::test(start_paused = true)]
async fn a_failure_stays_one_where_its_explanation_does_not_come() {
    let found = asked(context_from("192.0.2.7:25", "h"), "a@mute.example").await;
    assert_eq!((&*found.result, found.explanation), ("fail", None));
}

#[tokio::test(start_paused = true)]
async fn a_silent_dns_is_waited_for_so_long_and_the_mail_goes_on() {
    let start = Instant::now();
    let found = asked(context_from("192.0.2.1:25", "h"), "a@silent.example").await;
    assert_eq!(found.result, "temperror");
    let took = start.elapsed();
    assert!(
        took >= TIME_MAX && took < TIME_MAX + Duration::from_secs(1),
        "{took:?}"
    );
}

#[tokio::test]
async fn what_another_agent_found_out_holds() {
    let upstream = Script::new();
    let resolver = dns();
    let layer = SpfCheckLayer::new(
        "mx.example.net",
        Arc::new(resolver.clone()),
        Arc::new(SystemClock),
    );
    let first = layer.layer(upstream.clone());
    // Two filters in a row, as on a gateway and on the router behind it.
    let both = layer.layer(first);
    let blob = Blob::from_bytes("\r\nhello\r\n".into());
    let context = context_from("192.0.2.1:25", "h");
    let mut request = DeliverRequest::new(context.into(), mail("a@example.com"), blob);
    request.recipients = vec![rcpt("bob@y")];
    let _ = send_with(both, request).await;
    assert_eq!(resolver.asked(), ["TXT example.com"]);
}
