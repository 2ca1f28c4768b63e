//! What the scanner's answer does to a message.

use std::sync::Mutex;

use bytes::Bytes;
use koukan_core::{
    filter::policy_action::{Expression, PolicyAction, PolicyLayer, PolicyRule, matchers::Pattern},
    reply::Rejection,
    signals::{CARRIED_MAX, DurableSignal},
    transaction::Transaction,
};
use koukan_scan::{FoundMatcher, ScanResult, Unscanned, rspamd::Rspamd};
use serde::{Deserialize, Serialize};
use tower::{Service, service_fn};

use super::*;

const INFECTED: &str = "stream: Eicar FOUND\0";

#[tokio::test(start_paused = true)]
async fn a_message_passes_once_the_scanner_has_said_that_it_may() {
    let late = Duration::from_secs(30);
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", late));
    let upstream = Script::new();
    let came = Arc::new(Mutex::new(None));
    let (mut inner, seen) = (upstream.clone(), Arc::clone(&came));
    let begin = Instant::now();
    let inner = service_fn(move |tx: Transaction| {
        let seen = Arc::clone(&seen);
        inner.call(tx.map_body(move |body| {
            body.map(move |octets: Bytes| {
                seen.lock().unwrap().get_or_insert(begin.elapsed());
                Ok::<_, Rejection>(octets)
            })
        }))
    });
    let (reply, _) = sent(clamd.layer(limits()).layer(inner), MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    assert_eq!(*came.lock().unwrap(), Some(late));
    assert_eq!(upstream.only_received().text(), MESSAGE);
    assert_eq!(finding(&upstream), Finding::new(ScanResult::Clean));
}

#[tokio::test(start_paused = true)]
async fn what_is_infected_is_refused_unless_rules_are_to_decide() {
    let clamd = Clamd::that(Manner::Says(INFECTED));
    let upstream = Script::new();
    let (reply, _) = sent(clamd.layer(limits()).layer(upstream.clone()), MESSAGE).await;
    assert_eq!(reply.to_string(), "550 5.7.1 message is infected (Eicar)");
    assert!(upstream.received().iter().all(|it| it.body.is_empty()));

    let layer = clamd.layer(limits()).without_refusal();
    let upstream = Script::new();
    let (reply, _) = sent(layer.layer(upstream.clone()), MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    assert_eq!(finding(&upstream).symbols, ["Eicar"]);

    for (matcher, is_refused) in [
        (
            FoundMatcher::of(&Clamav).with_results([ScanResult::Infected]),
            true,
        ),
        (
            FoundMatcher::of(&Clamav).with_results([ScanResult::Clean]),
            false,
        ),
        (
            FoundMatcher::of(&Clamav).with_symbols([Pattern::new("Eic*")]),
            true,
        ),
        (
            FoundMatcher::of(&Clamav).with_symbols([Pattern::new("Win.*")]),
            false,
        ),
        (FoundMatcher::of(&Clamav).with_min_score(1.0), false),
        (
            FoundMatcher::of(&Clamav).with_actions(["reject".into()]),
            false,
        ),
        (FoundMatcher::of(&Clamav), true),
    ] {
        let shown = format!("{matcher:?}");
        let rule = PolicyRule::new("virus")
            .with_match(Expression::new(matcher))
            .with_action(PolicyAction::Reject);
        let service = PolicyLayer::new(rule).layer(Script::new());
        let (reply, _) = sent(layer.layer(service), MESSAGE).await;
        assert_eq!(reply.is_permanent(), is_refused, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_found_out_before_holds_and_nobody_is_asked() {
    let clamd = Clamd::that(Manner::Says(INFECTED));
    let layer = clamd.layer(limits());
    // Both scanners in one chain.
    let upstream = Script::new();
    let open = layer.clone().without_refusal();
    let (reply, _) = sent(open.layer(layer.layer(upstream.clone())), MESSAGE).await;
    assert_eq!(reply.to_string(), "550 5.7.1 message is infected (Eicar)");
    assert_eq!(clamd.connections(), 1);
}

/// A signal as another version might write it.
#[derive(Serialize, Deserialize)]
struct Other(u8);

impl DurableSignal for Other {
    const NAME: &'static str = "clamav";
}

#[tokio::test(start_paused = true)]
async fn that_nothing_is_known_is_no_finding() {
    let down = Clamd::that(Manner::HangsUp(12, ""));
    for (said, reply) in [
        (INFECTED, "550 5.7.1 message is infected (Eicar)"),
        ("stream: OK\0", "250 2.6.0 message accepted"),
        (
            "",
            "451 4.7.1 cannot scan the message just now, try again later",
        ),
    ] {
        let clamd = Clamd::that(Manner::Says(said));
        let layer = clamd.layer(limits());
        // A filter before has let the message pass.
        let open = down.layer(limits()).failing_open();
        let (told, _) = sent(open.layer(layer.layer(Script::new())), MESSAGE).await;
        assert_eq!(told.to_string(), reply, "{said}");
        // The signal that is already there cannot be read.
        let mut inner = layer.layer(Script::new());
        let service = service_fn(move |tx: Transaction| {
            tx.signals.set_durable(&Other(1)).unwrap();
            inner.call(tx)
        });
        let (told, _) = sent(service, MESSAGE).await;
        assert_eq!(told.to_string(), reply, "{said}");
        assert_eq!(clamd.connections(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_refused_or_passes_when_the_scanner_gives_no_answer() {
    for manner in [
        Manner::HangsUp(12, ""),
        Manner::HangsUp(40, ""),
        Manner::Says(""),
        Manner::Says("stream: broken ERROR\0"),
        Manner::Says("no end of it"),
        Manner::Hangs,
    ] {
        let clamd = Clamd::that(manner);
        let layer = clamd.layer(limits());
        let (reply, _) = sent(layer.layer(Script::new()), MESSAGE).await;
        assert_eq!(reply, Reply::scanner_unavailable(), "{manner:?}");
        let upstream = Script::new();
        let (reply, _) = sent(layer.failing_open().layer(upstream.clone()), MESSAGE).await;
        assert_eq!(reply, Reply::message_accepted(), "{manner:?}");
        let unknown = Finding::unscanned(Unscanned::Unavailable);
        assert_eq!(finding(&upstream), unknown);
        assert_eq!(upstream.only_received().text(), MESSAGE);
    }
}

#[tokio::test(start_paused = true)]
async fn that_nothing_was_found_before_all_was_shown_is_no_answer() {
    let message = "a".repeat(300 << 10);
    for (said, reply) in [
        ("stream: OK\0", Reply::scanner_unavailable()),
        // The scanner need not have read the rest.
        (
            INFECTED,
            Reply::infected().with_text("message is infected (Eicar)"),
        ),
    ] {
        let clamd = Clamd::that(Manner::HangsUp(100, said));
        let layer = clamd.layer(limits());
        let upstream = Script::new();
        let (told, _) = sent(layer.layer(upstream.clone()), &message).await;
        assert_eq!(told, reply, "{said}");
        assert!(upstream.received().iter().all(|it| it.body.is_empty()));
    }

    let rspamd = |action: &'static str| {
        let connector = ScriptedConnector::new(move |_, mut io| {
            tokio::spawn(async move {
                let mut asked = [0; 100];
                io.read_exact(&mut asked).await.unwrap();
                let json = format!(r#"{{"action":"{action}"}}"#);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", json.len());
                io.write_all((head + &json).as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
            });
        });
        let resolver = Arc::new(ScriptedResolver::new());
        let server = Server::new("192.0.2.1:11333".parse().unwrap());
        ScanLayer::new(Rspamd, server.with_network(Arc::new(connector), resolver))
    };
    for (action, reply) in [
        ("no action", Reply::scanner_unavailable()),
        ("reject", Reply::spam()),
        ("soft reject", Reply::policy_deferred()),
    ] {
        let (told, _) = sent(rspamd(action).layer(Script::new()), &message).await;
        assert_eq!(told, reply, "{action}");
    }
}

/// A large signal of another filter.
#[derive(Serialize, Deserialize)]
struct Much(String);

impl DurableSignal for Much {
    const NAME: &'static str = "much";
}

#[tokio::test(start_paused = true)]
async fn what_rules_cannot_hear_of_does_not_pass_unless_it_may() {
    let clamd = Clamd::that(Manner::Says(INFECTED));
    let layer = clamd.layer(limits());
    for (layer, reply) in [
        (
            layer.clone().without_refusal(),
            Reply::scanner_unavailable(),
        ),
        (
            layer.clone().without_refusal().failing_open(),
            Reply::message_accepted(),
        ),
        (
            layer,
            Reply::infected().with_text("message is infected (Eicar)"),
        ),
    ] {
        let mut inner = layer.layer(Script::new());
        let service = service_fn(move |tx: Transaction| {
            let much = Much("x".repeat(CARRIED_MAX - 20));
            tx.signals.set_durable(&much).unwrap();
            inner.call(tx)
        });
        let (told, _) = sent(service, MESSAGE).await;
        assert_eq!(told, reply);
    }
}
