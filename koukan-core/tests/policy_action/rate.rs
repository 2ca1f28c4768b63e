//! Rules that count events in a period.

use std::{num::NonZeroU32, time::Duration};

use koukan_core::{
    blob::Blob,
    context::{Context, Sender},
    filter::policy_action::matchers::{OverRateMatcher, RateKey},
    middleware::{DeliverOutcome, DeliverRequest},
    test_util::send_with,
};

use super::*;

fn over(keys: impl IntoIterator<Item = RateKey>, count: u32) -> Expression {
    let count = NonZeroU32::new(count).unwrap();
    Expression::new(OverRateMatcher::new(keys, count, Duration::from_secs(60)))
}

fn limit(expression: Expression) -> PolicyRule {
    PolicyRule::new("rate")
        .with_match(expression)
        .with_action(PolicyAction::Defer)
}

async fn from(service: &BoxMailService, facts: &Context, sender: &str) -> DeliverOutcome {
    let message = Blob::from_bytes(Bytes::from_static(b"\r\n"));
    let mut request = DeliverRequest::new(Arc::new(facts.clone()), mail(sender), message);
    request.recipients.push(rcpt("b@y"));
    send_with(service.clone(), request).await
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_rate_of_its_own() {
    let mut facts = Context::new(Sender::new("test"));
    facts.remote_host = Some("192.0.2.1:25".parse().unwrap());
    facts.identity = Some("alice".into());
    let mut elsewhere = facts.clone();
    elsewhere.remote_host = Some("192.0.2.2:25".parse().unwrap());
    let mut nobody = Context::new(Sender::new("test"));
    nobody.remote_host = facts.remote_host;
    for (key, messages) in [
        (
            RateKey::MailFrom,
            [
                (&facts, "A@x.example", true),
                (&facts, "b@x.example", true),
                (&elsewhere, "a@X.example", false),
            ],
        ),
        (
            RateKey::MailFromDomain,
            [
                (&facts, "a@x.example", true),
                (&facts, "b@x.example", false),
                (&facts, "", true),
            ],
        ),
        (
            RateKey::Identity,
            [
                (&facts, "a@x.example", true),
                (&elsewhere, "b@y.example", false),
                (&nobody, "a@x.example", true),
            ],
        ),
        (
            RateKey::NetworkAddress,
            [
                (&facts, "a@x.example", true),
                (&nobody, "b@y.example", false),
                (&elsewhere, "a@x.example", true),
            ],
        ),
        (
            RateKey::Sender,
            [
                (&facts, "a@x.example", true),
                (&elsewhere, "b@y.example", false),
                (&nobody, "", false),
            ],
        ),
    ] {
        let service = rules([limit(over([key], 1))], BoxMailService::new(Script::new()));
        for (index, (facts, sender, passes)) in messages.into_iter().enumerate() {
            let outcome = from(&service, facts, sender).await;
            assert_eq!(outcome.is_delivered(), passes, "{key:?} {index}");
            assert!(passes || outcome.mail.is_transient());
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(from(&service, &facts, "a@x.example").await.is_delivered());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_counts_once_however_often_the_rule_is_asked() {
    let both = || Expression::all([bad(), over([RateKey::Sender], 2)]);
    let first = PolicyRule::new("first")
        .with_match(both())
        .with_action(PolicyAction::Log);
    // It is asked at MAIL, at each RCPT, before the message and at its end.
    let service = rules([first], BoxMailService::new(Script::new()));
    let (seen, observers) = seen();
    let limit = PolicyRule::new("limit")
        .with_match(over([RateKey::Sender], 2))
        .with_action(PolicyAction::Defer)
        .with_observers(observers);
    let service = rules([limit], service);
    for passes in [true, true, false] {
        let to = [rcpt("b@y"), rcpt("c@y"), rcpt("d@y")];
        let outcome = send(service.clone(), mail("a@x"), to, "\r\n").await;
        assert_eq!(outcome.is_delivered(), passes);
    }
    assert_eq!(*seen.0.lock().unwrap(), ["limit DEFER"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_does_not_know_yet_counts_its_message_once() {
    // The other part of the rule is known only at the end.
    let rule = limit(Expression::all([bad(), over([RateKey::Sender], 1)]));
    for expected in [1, 2] {
        let upstream = Script::new();
        let service = rules([rule.clone()], BoxMailService::new(upstream.clone()));
        let service = finds(When::AtItsEnd, "bad", service);
        let to = [rcpt("b@y"), rcpt("c@y")];
        let outcome = send(service, mail("a@x"), to, "\r\nhello\r\n").await;
        assert_eq!(outcome.is_delivered(), expected == 1, "{expected}");
    }
}

#[tokio::test(start_paused = true)]
async fn recipients_are_counted_one_by_one() {
    let rule = limit(over([RateKey::RcptDomain], 2)).per_recipient();
    let service = rules([rule], BoxMailService::new(Script::new()));
    let to = ["a@y.example", "b@y.example", "c@y.example", "d@z.example"].map(rcpt);
    let outcome = send(service, mail("a@x"), to, "\r\n").await;
    let codes: Vec<_> = outcome
        .recipients
        .iter()
        .map(|reply| reply.code().as_u16())
        .collect();
    assert_eq!(codes, [250, 250, 450, 250]);
}
