//! The filter that looks up clients' names in the DNS.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use koukan_core::{
    blob::Blob,
    context::Context,
    filter::{
        received_header::ReceivedHeaderLayer,
        remote_host::{LookupStatus, RemoteHost, RemoteHostLayer, TIME_MAX},
    },
    middleware::DeliverRequest,
    test_util::{
        ManualClock, Script, ScriptedResolver, context, context_from, mail, rcpt, send_with,
    },
};
use tokio::time::Instant;
use tower::Layer;

/// `192.0.2.1` is correct, `.2` has no name, the name of `.3` leads to another address, and that of `.4` to none.
/// The look-ups of `.5` and of the name of `.6` fail, and that of `.7` never ends. `.8` has a silent name beside a
/// good one.
fn dns() -> ScriptedResolver {
    let ip = |last: u8| format!("192.0.2.{last}").parse().unwrap();
    ScriptedResolver::new()
        .with_ptr(ip(1), ["MX.example.com".into(), "other.example.com".into()])
        .with_addresses("mx.example.com", [ip(1)])
        .with_addresses("other.example.com", [ip(9), ip(1)])
        .with_ptr(ip(2), [])
        .with_ptr(ip(3), ["mx.example.com".into()])
        .with_ptr(ip(4), ["nowhere.example.com".into()])
        .with_failure("192.0.2.5")
        .with_ptr(ip(6), ["down.example".into()])
        .with_failure("down.example")
        .with_ptr(ip(7), ["silent.example".into()])
        .with_silence("silent.example")
        .with_ptr(ip(8), ["silent.example".into(), "eight.example.com".into()])
        .with_addresses("eight.example.com", [ip(8)])
}

async fn asked(context: impl Into<Arc<Context>>) -> RemoteHost {
    let upstream = Script::new();
    let blob = Blob::from_bytes("\r\nhello\r\n".into());
    let mut request = DeliverRequest::new(context.into(), mail("a@example.org"), blob);
    request.recipients = vec![rcpt("bob@y")];
    let layer = RemoteHostLayer::new(Arc::new(dns()));
    let outcome = send_with(layer.layer(upstream.clone()), request).await;
    assert!(outcome.message.unwrap().is_positive());
    let received = upstream.only_received();
    received.signals.find_durable().unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_client_and_how_long_that_takes() {
    use LookupStatus::{Nx, Ok, Temp};
    let (yes, no) = (Some(true), Some(false));
    for (last, named, status, name, fcrdns, alignment, waits) in [
        (
            1,
            "mx.example.com",
            Ok,
            Some("mx.example.com"),
            yes,
            yes,
            false,
        ),
        (
            1,
            "OTHER.example.com.",
            Ok,
            Some("other.example.com"),
            yes,
            yes,
            false,
        ),
        (1, "[192.0.2.1]", Ok, Some("mx.example.com"), yes, no, false),
        (2, "mx.example.com", Nx, None, no, no, false),
        (
            3,
            "mx.example.com",
            Ok,
            Some("mx.example.com"),
            no,
            no,
            false,
        ),
        (4, "h", Ok, Some("nowhere.example.com"), no, no, false),
        (6, "h", Temp, Some("down.example"), None, no, false),
        (
            7,
            "silent.example",
            Temp,
            Some("silent.example"),
            None,
            None,
            true,
        ),
        // A silent one delays no other.
        (
            8,
            "eight.example.com",
            Ok,
            Some("eight.example.com"),
            yes,
            yes,
            false,
        ),
        (
            8,
            "silent.example",
            Temp,
            Some("eight.example.com"),
            yes,
            None,
            true,
        ),
        // Nothing at all is known of that address.
        (200, "h", Nx, None, no, no, false),
    ] {
        let began = Instant::now();
        let found = asked(context_from(&format!("192.0.2.{last}:4711"), named)).await;
        let expected = RemoteHost {
            status,
            remote_hostname: name.map(Into::into),
            fcrdns,
            ehlo_alignment: alignment,
        };
        assert_eq!(found, expected, "{last} {named}");
        let took = if waits { TIME_MAX } else { Duration::ZERO };
        assert_eq!(began.elapsed().as_secs(), took.as_secs(), "{last} {named}");
    }
    let mapped = asked(context_from("[::ffff:192.0.2.1]:25", "mx.example.com")).await;
    assert_eq!(mapped.fcrdns, yes);
    assert_eq!(asked(context()).await.status, LookupStatus::None);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_confirmed_stands_in_the_trace() {
    for (last, from) in [
        (1, "from h (mx.example.com [192.0.2.1]) by "),
        (2, "from h ([192.0.2.2]) by "),
        (3, "from h ([192.0.2.3]) by "),
        (6, "from h ([192.0.2.6]) by "),
    ] {
        let upstream = Script::new();
        let clock = Arc::new(ManualClock::default());
        let received = ReceivedHeaderLayer::new("mx.example.com", clock).unwrap();
        let service = RemoteHostLayer::new(Arc::new(dns())).layer(received.layer(upstream.clone()));
        let context = Arc::new(context_from(&format!("192.0.2.{last}:1234"), "h"));
        let blob = Blob::from_bytes("\r\nhello\r\n".into());
        let request = DeliverRequest::new(context, mail("a@example.org"), blob).to(rcpt("bob@y"));
        let outcome = send_with(service, request).await;
        assert!(outcome.message.unwrap().is_positive());
        let received = upstream.only_received();
        let message = received.text().replace("\r\n ", " ");
        assert!(
            message.starts_with(&format!("Received: {from}")),
            "{message}"
        );
    }
}
