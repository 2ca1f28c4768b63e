//! Explanations of what would happen to a message, by chains that deliver nothing.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use koukan_core::{
    blob::BlobPool,
    context::{Context, Sender},
    explain::{
        Copies, Entry, Explainer, NoWay, PATIENCE, Parts, ProbeEndpoint, ProbeLayer, Ways, run,
    },
    filter::{
        add_route::AddRouteLayer,
        change_header::ChangeHeaderLayer,
        policy_action::{Expression, PolicyAction, PolicyLayer, PolicyRule, matchers::NumRcpts},
        router::{AddressList, Decision, RouterLayer},
    },
    middleware::{Next, from_fn},
    path::{ForwardPath, ReversePath},
    reply::Reply,
    resource::{Explain, Explanation, Note, NotePhase, PassageOf, RuleFound, Way, What},
    service::{BoxMailLayer, BoxMailService},
    signals::{Destination, DurableSignal, Signals},
    stage::exploder::ReplyPolicy,
    transaction::{Mail, Rcpt, Transaction},
};
use serde::{Deserialize, Serialize};
use tower::{BoxError, Layer};

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\nhello\r\n";

/// The destination of everything except `busy@…`.
#[derive(Debug)]
struct There;

#[async_trait]
impl Ways for There {
    async fn way(&self, _: Option<&Destination>, mail: &Mail, _: &Signals) -> Result<Way, NoWay> {
        match mail.reverse_path.as_str() {
            "busy@x" => Err(NoWay(Reply::mailbox_busy())),
            "silent@x" => std::future::pending().await,
            _ => Ok(Way::Http {
                kind: "rest",
                url: "http://there".into(),
            }),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Seen(u32);

impl DurableSignal for Seen {
    const NAME: &'static str = "seen";
}

async fn sees(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    tx.signals.set_durable(&Seen(7))?;
    next.run(tx).await
}

async fn refuses_the_message(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    use koukan_core::{
        body::{Body, BodyError},
        reply::Rejection,
    };
    let refused = || Err::<Body, BodyError>(Rejection::new(Reply::bad_content()).into());
    next.run(tx.map_body(|body| body.then(move |_| async move { refused() })))
        .await
}

/// A chain with these filters.
fn entry(
    explainer: &Explainer,
    name: &str,
    filters: Vec<(&str, BoxMailLayer)>,
    end: BoxMailService,
) -> Entry {
    let probe = |depth| ProbeLayer::new(explainer.clone(), depth);
    let names: Vec<_> = filters.iter().map(|(name, _)| Box::from(*name)).collect();
    let mut service = BoxMailService::new(probe(filters.len()).layer(end));
    for (index, (_, layer)) in filters.into_iter().enumerate().rev() {
        service = BoxMailService::new(probe(index).layer(layer.layer(service)));
    }
    Entry::new(explainer.clone(), name, names, service)
}

fn end(explainer: &Explainer) -> BoxMailService {
    BoxMailService::new(ProbeEndpoint::new(
        explainer.clone(),
        There,
        Bytes::from_static(MESSAGE),
    ))
}

fn asked(from: &str, to: &[&str]) -> Explain {
    let rcpt = |to: &&str| Rcpt::new(to.parse::<ForwardPath>().unwrap());
    Explain {
        context: Context::new(Sender::new("in")),
        mail: Mail::new(from.parse::<ReversePath>().unwrap()),
        recipients: to.iter().map(rcpt).collect(),
        message: Some(Bytes::from_static(MESSAGE)),
    }
}

async fn explained(filters: Vec<(&str, BoxMailLayer)>, explain: Explain) -> Explanation {
    let explainer = Explainer::new();
    let entry = entry(&explainer, "c", filters, end(&explainer));
    run(explain, &explainer, entry).await
}

fn notes(explanation: &Explanation) -> Vec<(NotePhase, Option<usize>, &What)> {
    let notes = explanation.passages[0].notes.iter();
    let notes = notes.map(
        |Note {
             phase,
             filter,
             what,
         }| (phase.clone(), *filter, what),
    );
    notes.collect()
}

fn rcpt(to: &str) -> NotePhase {
    NotePhase::Rcpt(to.into())
}

#[tokio::test]
async fn who_refuses_what_and_what_each_filter_does_is_told() {
    let router = RouterLayer::new(AddressList::new(["x"], Decision::Accept));
    let adds = ChangeHeaderLayer::new(
        koukan_core::message::header_edit::HeaderEdit::default()
            .with("X-A", "b")
            .unwrap(),
    );
    let filters = vec![
        ("sees", BoxMailLayer::new(from_fn(sees))),
        ("router", BoxMailLayer::new(router)),
        ("adds", BoxMailLayer::new(adds)),
    ];
    let explanation = explained(filters, asked("a@x", &["b@x", "c@y"])).await;
    let goes = Way::Http {
        kind: "rest",
        url: "http://there".into(),
    };
    let signal = What::Signal {
        name: "seen".into(),
        value: 7.into(),
    };
    assert_eq!(
        notes(&explanation),
        [
            (NotePhase::Mail, Some(0), &signal),
            (rcpt("b@x"), None, &What::Goes(goes)),
            (rcpt("c@y"), Some(1), &What::Refused(Reply::relay_denied())),
            (NotePhase::Header, None, &What::Added(vec!["X-A".into()])),
        ]
    );
    assert_eq!(
        explanation.recipients,
        [Reply::recipient_ok(), Reply::relay_denied()]
    );
    assert_eq!(explanation.passages[0].signals["seen"], 7);
    assert!(explanation.message.unwrap().is_positive());
}

#[tokio::test]
async fn a_filter_that_refuses_the_message_is_named() {
    let filters = vec![
        ("sees", BoxMailLayer::new(from_fn(sees))),
        ("refuses", BoxMailLayer::new(from_fn(refuses_the_message))),
        (
            "more",
            BoxMailLayer::new(from_fn(async |tx: Transaction, next: Next| {
                next.run(tx).await
            })),
        ),
    ];
    let explanation = explained(filters, asked("a@x", &["b@x"])).await;
    let refused = What::Refused(Reply::bad_content());
    assert_eq!(
        notes(&explanation).last(),
        Some(&(NotePhase::End, Some(1), &refused))
    );
    assert_eq!(explanation.message, Some(Reply::bad_content()));
}

#[tokio::test]
async fn rules_tell_of_each_look() {
    let explainer = Explainer::new();
    let rule = PolicyRule::new("max")
        .with_match(Expression::named("num_rcpts 1", Arc::new(NumRcpts::new(1))))
        .with_action(PolicyAction::Reject)
        .per_recipient()
        .with_watch(Arc::new(explainer.clone()));
    let filters = vec![("policy_action", BoxMailLayer::new(PolicyLayer::new(rule)))];
    let entry = entry(&explainer, "c", filters, end(&explainer));
    let explanation = run(asked("a@x", &["b@x", "c@x"]), &explainer, entry).await;
    let looks: Vec<_> = notes(&explanation)
        .into_iter()
        .filter_map(|(phase, _, what)| match what {
            What::Rule(look) => Some((phase, look.found, look.asked.len())),
            _ => None,
        })
        .collect();
    assert_eq!(
        looks,
        [
            (rcpt("b@x"), RuleFound::NoMatch, 1),
            (rcpt("c@x"), RuleFound::Match, 1),
        ]
    );
}

type Entries = Arc<OnceLock<HashMap<Sender, Entry>>>;

/// An Exploder with a copy before it, over the chain `out` of the sender `out`.
fn exploding(explainer: &Explainer, policy: ReplyPolicy) -> (Entry, Entries) {
    let entries = Entries::default();
    let out = Sender::new("out");
    let parts = Parts::new(
        explainer.clone(),
        policy,
        &entries,
        Sender::new("nobody"),
        BlobPool::default(),
    );
    let parts = parts.with("X", out.clone());
    let copies = Copies::new(explainer.clone(), "in", &entries).stored();
    let copies = AddRouteLayer::delivered_for(out.clone(), copies);
    let filters = vec![("add_route", BoxMailLayer::new(copies))];
    let whole = entry(explainer, "in", filters, BoxMailService::new(parts));
    let part = entry(explainer, "out", Vec::new(), end(explainer));
    entries.set(HashMap::from([(out, part)])).unwrap();
    (whole, entries)
}

#[tokio::test]
async fn each_recipient_has_a_passage_of_its_own_and_so_has_the_copy() {
    let explainer = Explainer::new();
    let (entry, entries) = exploding(&explainer, ReplyPolicy::Ingress);
    let explanation = run(asked("a@x", &["b@x", "c@y", "d@x"]), &explainer, entry).await;
    let left = Arc::downgrade(&entries);
    drop(entries);
    assert!(
        left.upgrade().is_none(),
        "chains that lead to each other hold none"
    );
    let of: Vec<_> = explanation
        .passages
        .iter()
        .map(|passage| passage.of.clone())
        .collect();
    let part = PassageOf::Part(0);
    assert_eq!(
        of,
        [PassageOf::Client, part.clone(), part, PassageOf::Copy(0)]
    );
    let codes: Vec<_> = explanation
        .recipients
        .iter()
        .map(|reply| reply.code().as_u16())
        .collect();
    // There is no chain for `y`.
    assert_eq!(codes, [250, 451, 250]);
    assert!(explanation.message.unwrap().is_positive());
}

#[tokio::test]
async fn what_is_put_off_is_kept_for_a_program_and_told_to_an_agent() {
    for (policy, reply) in [
        (ReplyPolicy::Submission, Reply::recipient_ok()),
        (ReplyPolicy::Ingress, Reply::mailbox_busy()),
    ] {
        let explainer = Explainer::new();
        let (entry, _entries) = exploding(&explainer, policy);
        let explanation = run(asked("busy@x", &["b@x"]), &explainer, entry).await;
        assert_eq!(
            explanation.recipients,
            std::slice::from_ref(&reply),
            "{policy:?}"
        );
        let kept = What::Kept(Reply::mailbox_busy());
        let is_kept = notes(&explanation)
            .iter()
            .any(|(_, _, what)| **what == kept);
        assert_eq!(is_kept, policy == ReplyPolicy::Submission);
        assert_eq!(explanation.message.is_some(), reply.is_positive());
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_given_up_and_what_is_known_is_told() {
    let began = tokio::time::Instant::now();
    let filters = vec![("sees", BoxMailLayer::new(from_fn(sees)))];
    let explanation = explained(filters, asked("silent@x", &["b@x"])).await;
    assert_eq!(began.elapsed(), PATIENCE);
    assert_eq!(explanation.recipients, [Reply::elapsed()]);
    assert!(!notes(&explanation).is_empty());
}
