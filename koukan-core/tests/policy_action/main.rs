//! The filter `policy_action`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod clauses;
mod header;
mod matchers;
mod rate;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use koukan_core::{
    body::Body,
    event::{Event, Observer, Observers},
    filter::{
        MailboxList,
        policy_action::{
            Expression, PolicyAction, PolicyLayer, PolicyRule,
            matchers::{AddressMatcher, Earlier, SignalMatcher, WhichAddress},
        },
    },
    middleware::from_fn::{Next, from_fn},
    reply::Reply,
    service::BoxMailService,
    signals::{DurableSignal, Signals},
    test_util::{End, Script, SeededRandom, mail, rcpt, send},
    transaction::Transaction,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::Layer;

/// The result of a filter in these tests.
#[derive(Debug, Serialize, Deserialize)]
struct Verdict {
    result: String,
}

impl DurableSignal for Verdict {
    const NAME: &'static str = "verdict";
}

fn found(signals: &Signals, result: &str) {
    let result = result.into();
    signals.set_durable(&Verdict { result }).unwrap();
}

/// When the filter before the rules has its result.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    AtMail,
    BeforeMessage,
    AtItsEnd,
    Never,
}

/// A filter with the result `result`, before `inner`.
fn finds(when: When, result: &'static str, inner: BoxMailService) -> BoxMailService {
    let layer = from_fn(move |tx: Transaction, next: Next| async move {
        let signals = tx.signals.clone();
        let tx = match when {
            When::Never => tx,
            When::AtMail => {
                found(&signals, result);
                tx
            }
            When::BeforeMessage => tx.map_body(|body| {
                body.then(move |body| async move {
                    found(&signals, result);
                    Ok(body)
                })
            }),
            When::AtItsEnd => tx.map_body(|mut body| {
                Body::from_stream(async_stream(move || {
                    let signals = signals.clone();
                    let body = std::mem::replace(&mut body, Body::empty());
                    (body, signals, result)
                }))
            }),
        };
        next.run(tx).await
    });
    BoxMailService::new(layer.layer(inner))
}

/// Octets as they come; the result is there after the last of them.
fn async_stream(
    mut parts: impl FnMut() -> (Body, Signals, &'static str) + Send + 'static,
) -> impl futures_core::Stream<Item = Result<Bytes, koukan_core::body::BodyError>> + Send + 'static
{
    let state = Some(parts());
    futures_util::stream::unfold(state, |state| async move {
        let (mut body, signals, result) = state?;
        match body.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some((body, signals, result)))),
            Ok(None) => {
                found(&signals, result);
                None
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Rules in their order, before `inner`.
fn rules(
    rules: impl IntoIterator<Item = PolicyRule, IntoIter: DoubleEndedIterator>,
    inner: BoxMailService,
) -> BoxMailService {
    rules.into_iter().rev().fold(inner, |inner, rule| {
        BoxMailService::new(PolicyLayer::new(rule).layer(inner))
    })
}

fn bad() -> Expression {
    Expression::new(
        SignalMatcher::new("verdict")
            .with_pointer("/result")
            .with_values([json!("bad")]),
    )
}

fn reject(tag: &str) -> PolicyRule {
    PolicyRule::new(tag).with_action(PolicyAction::Reject)
}

/// The rules that have matched, with their actions.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn observe(&self, event: &Event<'_>) {
        if let Event::PolicyMatched(matched) = event {
            let told = format!("{} {}", matched.rule, matched.action);
            self.0.lock().unwrap().push(told);
        }
    }
}

fn seen() -> (Arc<Seen>, Observers) {
    let seen = Arc::<Seen>::default();
    (Arc::clone(&seen), Observers::default().with(seen))
}

#[tokio::test]
async fn a_transaction_is_refused_at_mail_and_goes_nowhere() {
    let upstream = Script::new();
    let from = MailboxList::default().with_domains(["spam.example"]);
    let rule = reject("from").with_match(Expression::new(AddressMatcher::new(
        WhichAddress::MailFrom,
        from,
    )));
    let service = rules([rule], BoxMailService::new(upstream.clone()));
    let refused = Reply::policy_refused().with_text("refused by policy (from)");
    let outcome = send(
        service.clone(),
        mail("a@spam.example"),
        [rcpt("b@y")],
        "\r\n",
    )
    .await;
    assert_eq!(outcome.mail, refused);
    assert_eq!(outcome.recipients, [refused]);
    assert!(upstream.received().is_empty());
    let outcome = send(service, mail("a@x.example"), [rcpt("b@y")], "\r\n").await;
    assert!(outcome.is_delivered());
}

#[tokio::test]
async fn what_is_known_later_decides_later_and_is_never_lost() {
    for (when, result, is_refused) in [
        (When::AtMail, "bad", true),
        (When::BeforeMessage, "bad", true),
        (When::AtItsEnd, "bad", true),
        (When::AtMail, "good", false),
        (When::BeforeMessage, "good", false),
        (When::AtItsEnd, "good", false),
        (When::Never, "", false),
    ] {
        let upstream = Script::new();
        let service = rules(
            [reject("verdict").with_match(bad())],
            BoxMailService::new(upstream.clone()),
        );
        let service = finds(when, result, service);
        let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
        assert_eq!(outcome.is_delivered(), !is_refused, "{when:?} {result}");
        let received = upstream.received();
        let delivered = received.iter().filter(|received| match &received.end {
            End::Replied(reply) => reply.is_positive(),
            End::Failed(_) | End::Dropped => false,
        });
        assert_eq!(delivered.count(), usize::from(!is_refused), "{when:?}");
        if is_refused {
            let refusal = outcome.message.as_ref().unwrap_or(&outcome.mail);
            assert!(refusal.is_permanent(), "{when:?}");
            assert!(refusal.text().contains("(verdict)"), "{when:?}");
        }
    }
}

#[tokio::test]
async fn rules_of_a_tag_wait_for_those_before_them() {
    // An exception that is known only with the message, before a rule that always matches.
    for (when, result, is_refused) in [
        (When::AtMail, "bad", false),
        (When::BeforeMessage, "bad", false),
        (When::AtItsEnd, "bad", false),
        (When::AtMail, "good", true),
        (When::BeforeMessage, "good", true),
        (When::AtItsEnd, "good", true),
        // No filter finds it: that is known at the end.
        (When::Never, "", true),
    ] {
        let exception = PolicyRule::new("t")
            .with_name("exception")
            .with_match(bad());
        let others = reject("t").with_name("others");
        let upstream = Script::new();
        let service = rules([exception, others], BoxMailService::new(upstream.clone()));
        let service = finds(when, result, service);
        let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
        assert_eq!(outcome.is_delivered(), !is_refused, "{when:?} {result}");
    }
    // Rules with another tag do not.
    let open = PolicyRule::new("t").with_match(bad());
    let upstream = Script::new();
    let service = rules([open, reject("u")], BoxMailService::new(upstream.clone()));
    let service = finds(When::BeforeMessage, "bad", service);
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
    assert!(outcome.mail.is_permanent());
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_new_rule_runs_beside_the_one_that_is_in_force() {
    let (seen, observers) = seen();
    let all = [
        PolicyRule::new("t")
            .with_name("new")
            .with_action(PolicyAction::Log),
        PolicyRule::new("t")
            .with_name("silent")
            .with_action(PolicyAction::Tag),
        PolicyRule::new("t")
            .with_name("in_force")
            .with_action(PolicyAction::Defer),
        reject("t").with_name("never"),
    ];
    let all = all.map(|rule| rule.with_observers(observers.clone()));
    let service = rules(all, BoxMailService::new(Script::new()));
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
    let deferred = Reply::policy_deferred().with_text("deferred by policy (in_force)");
    assert_eq!(outcome.mail, deferred);
    assert_eq!(*seen.0.lock().unwrap(), ["new LOG", "in_force DEFER"]);
}

#[tokio::test]
async fn what_was_said_goes_with_the_message_and_can_be_asked_for() {
    let earlier = |earlier| Expression::new(earlier);
    let upstream = Script::new();
    let all = [
        PolicyRule::new("one")
            .with_name("quiet")
            .with_action(PolicyAction::Tag),
        PolicyRule::new("two"),
        reject("a")
            .with_match(Expression::all([
                earlier(Earlier::Rule("quiet".into())),
                earlier(Earlier::Tag("two".into())),
                // `TAG` ends no tag.
                earlier(Earlier::Tag("one".into())).negated(),
                earlier(Earlier::Rule("unknown".into())).negated(),
            ]))
            .with_action(PolicyAction::Match),
    ];
    let service = rules(all, BoxMailService::new(upstream.clone()));
    assert!(
        send(service, mail("a@x"), [rcpt("b@y")], "\r\n")
            .await
            .is_delivered()
    );
    let received = upstream.only_received();
    // A leg, or an attempt after a restart.
    let leg = Signals::of_carried(received.signals.branch().carried());
    let of = |name: &str| leg.durable_json(name);
    assert_eq!(
        of("policy.rule.quiet"),
        Some(json!({"tag": "one", "action": "TAG"}))
    );
    assert_eq!(of("policy.tag.two"), Some(json!(true)));
    assert_eq!(of("policy.tag.one"), None);
    assert_eq!(
        of("policy.rule.a"),
        Some(json!({"tag": "a", "action": "MATCH"}))
    );
}

#[tokio::test]
async fn what_another_rule_does_not_know_yet_is_not_known() {
    for (result, is_refused) in [("bad", false), ("good", true)] {
        let marks = PolicyRule::new("trusted").with_match(bad());
        let others =
            reject("others").with_match(Expression::new(Earlier::Tag("trusted".into())).negated());
        let service = rules([marks, others], BoxMailService::new(Script::new()));
        let service = finds(When::BeforeMessage, result, service);
        let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
        assert_eq!(outcome.is_delivered(), !is_refused, "{result}");
    }
}

#[tokio::test]
async fn actions_are_taken_as_often_as_their_shares_say() {
    let (seen, observers) = seen();
    let rule = PolicyRule::new("t")
        .with_actions([
            (3.0, PolicyAction::Reject),
            (1.0, PolicyAction::Log),
            (0.0, PolicyAction::Match),
        ])
        .with_random(Arc::new(SeededRandom::new(7)))
        .with_observers(observers);
    let service = rules([rule], BoxMailService::new(Script::new()));
    let mut refused = 0;
    for _ in 0..400 {
        let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], "\r\n").await;
        refused += usize::from(outcome.mail.is_permanent());
    }
    let seen = seen.0.lock().unwrap();
    let rejected = seen.iter().filter(|told| *told == "t REJECT").count();
    assert_eq!(seen.len(), 400);
    assert!((270..330).contains(&rejected), "{rejected}");
    assert_eq!(refused, rejected);
}

#[tokio::test]
async fn a_message_is_passed_on_by_reference() {
    let taken = Arc::new(AtomicUsize::new(0));
    for (when, expected) in [
        (When::AtMail, 1),
        (When::BeforeMessage, 2),
        (When::AtItsEnd, 2),
    ] {
        let count = Arc::clone(&taken);
        let looks = from_fn(move |tx: Transaction, next: Next| {
            let count = Arc::clone(&count);
            async move {
                let tx = tx.map_body(|body| {
                    body.then(move |body| async move {
                        Ok(match body.into_blob() {
                            Ok((prefix, blob)) => {
                                count.fetch_add(1, Ordering::Relaxed);
                                Body::from_blob(prefix, blob)
                            }
                            Err(body) => body,
                        })
                    })
                });
                next.run(tx).await
            }
        });
        let service = BoxMailService::new(looks.layer(Script::new()));
        let service = rules([reject("verdict").with_match(bad())], service);
        let service = finds(when, "good", service);
        assert!(
            send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n")
                .await
                .is_delivered()
        );
        assert_eq!(taken.load(Ordering::Relaxed), expected, "{when:?}");
    }
}
