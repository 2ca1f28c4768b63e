//! Handing recipients over to another chain of the agent.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use koukan_core::{
    blob::{BlobPool, Limits},
    context::{Context, Sender},
    filter::router::{AddressList, Decision, RouterLayer, Rules, StaticHosts},
    path::Parameter,
    reply::{Handover, Reply},
    service::{BoxMailService, MailService},
    signals::{DurableSignal, Forced, Queued, Signals, TellsSuccess, TraceId},
    stage::{
        exploder::{Exploder, NotifyWhen, ReplyPolicy},
        hand_over::HandOverLayer,
        output_handler::{Chain, ChainMap, Chains, RetryPolicy},
    },
    test_util::{End, Script, context_from, mail, rcpt},
    transaction::Driver,
};
use serde::{Deserialize, Serialize};
use tower::Layer;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[derive(Debug, Serialize, Deserialize)]
struct Found(bool);

impl DurableSignal for Found {
    const NAME: &'static str = "found";
}

fn ingress() -> Sender {
    Sender::new("ingress").with_tag("smtp-mx")
}

/// A chain that hands recipients of example.com, example.net and example.org over to one sender each, the last of
/// which has no chain, and sends others to a host.
fn chain(there: &Script, endpoint: &Script) -> impl MailService {
    let over = |domain: &str, sender| AddressList::new([domain], Decision::HandOver(sender));
    let rules = Rules::new()
        .with(over("example.com", ingress()))
        .with(over("example.net", Sender::new("other")))
        .with(over("example.org", Sender::new("missing")))
        .with(StaticHosts::new(["mx.example:25".parse().unwrap()]));
    let next = |script: &Script| Chain {
        service: BoxMailService::new(script.clone()),
        retry: RetryPolicy::default(),
    };
    let chains = ChainMap::new()
        .with(ingress(), next(there))
        .with(Sender::new("other"), next(there));
    RouterLayer::new(rules).layer(HandOverLayer::new(chains).layer(endpoint.clone()))
}

fn client() -> Arc<Context> {
    let mut context = context_from("192.0.2.1:25", "client.example");
    context.identity = Some("alice".into());
    context.next_hop = Some("mx.example.net:25".parse().unwrap());
    Arc::new(context)
}

/// The replies to recipients, each of which is awaited, and to the message.
async fn sent(service: impl MailService, to: &[&str], signals: &Signals) -> (Vec<Reply>, Reply) {
    let from = mail("alice@example.com");
    let (mut driver, of_mail) = Driver::start_with(service, client(), from, signals.clone());
    assert_eq!(driver.wait(of_mail).await, Reply::sender_ok());
    let mut replies = Vec::new();
    for to in to {
        let reply = driver.rcpt(rcpt(to)).await;
        replies.push(driver.wait(reply).await);
    }
    let _ = driver.send(MESSAGE.into()).await;
    (replies, driver.finish().await)
}

#[tokio::test(start_paused = true)]
async fn the_message_goes_on_as_from_the_agent_itself() {
    let (there, endpoint) = (Script::new(), Script::new());
    let signals = || {
        let signals = Signals::default();
        signals.set_durable(&Found(true)).unwrap();
        signals
    };
    let known = signals();
    let to = ["bob@example.com", "eve@example.com"];
    let (replies, reply) = sent(chain(&there, &endpoint), &to, &known).await;
    assert_eq!(replies, [Reply::recipient_ok(), Reply::recipient_ok()]);
    assert_eq!(reply, Reply::message_accepted());
    // Success is not reported there.
    assert_eq!(reply.handover(), None);
    let received = there.only_received();
    assert_eq!(
        (received.text(), received.recipient_texts()),
        (MESSAGE, to.to_vec())
    );
    assert_eq!(received.reverse_path().as_str(), "alice@example.com");
    assert_eq!(*received.context, Context::new(ingress()));
    assert_eq!(TraceId::of(&received.signals), TraceId::of(&known));
    assert!(received.signals.find_durable::<Found>().unwrap().is_none());
    assert!(endpoint.received().is_empty());
    let (_, reply) = sent(chain(&there, &endpoint), &["bob@example.edu"], &signals()).await;
    assert_eq!(reply.handover(), None);
    let received = endpoint.only_received();
    assert_eq!(received.context, client());
    assert!(received.signals.find_durable::<Found>().unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_transaction_goes_one_way() {
    let (ok, elsewhere) = (Reply::recipient_ok(), Reply::other_destination());
    for (to, is_there) in [
        (["a@example.com", "b@example.net", "c@example.edu"], true),
        (["a@example.edu", "b@example.net", "c@example.com"], false),
    ] {
        let (there, endpoint) = (Script::new(), Script::new());
        let (replies, _) = sent(chain(&there, &endpoint), &to, &Signals::default()).await;
        assert_eq!(replies, [ok.clone(), elsewhere.clone(), elsewhere.clone()]);
        assert_eq!(
            (there.received().len(), endpoint.received().len()),
            (usize::from(is_there), usize::from(!is_there))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_there_is_refused_here() {
    let there = Script::new()
        .rcpt("no@example.com", Reply::no_such_user())
        .message_for("busy@example.com", Reply::mailbox_busy());
    let to = ["no@example.com", "bob@example.com", "busy@example.com"];
    let service = chain(&there, &Script::new());
    let (replies, reply) = sent(service, &to, &Signals::default()).await;
    let ok = Reply::recipient_ok;
    assert_eq!(replies, [Reply::no_such_user(), ok(), ok()]);
    let [bob, busy] = [1, 2].map(|position| reply.for_recipient(position));
    assert_eq!(
        (bob, busy),
        (&Reply::message_accepted(), &Reply::mailbox_busy())
    );
    let service = chain(&there, &Script::new());
    let (replies, reply) = sent(service, &["a@example.org"], &Signals::default()).await;
    assert_eq!(
        (replies, reply),
        (vec![Reply::misconfigured()], Reply::misconfigured())
    );
}

#[derive(Debug, Serialize, Deserialize)]
struct Spf {
    result: String,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}

#[tokio::test(start_paused = true)]
async fn who_tells_of_success_is_the_exploder_that_is_to_or_whoever_has_the_reply() {
    for (notify, spf, tells) in [
        (NotifyWhen::Always, None, true),
        (NotifyWhen::Never, None, false),
        // Users submit, and no SPF result is required.
        (NotifyWhen::SpfPass, None, true),
        (NotifyWhen::SpfPass, Some("pass"), true),
        (NotifyWhen::SpfPass, Some("none"), false),
    ] {
        let there = Script::new();
        let pool = BlobPool::in_memory(Limits::default());
        let next = Exploder::new(there.clone(), ReplyPolicy::Ingress, pool).with_notify(notify);
        let next = Chain {
            service: BoxMailService::new(next),
            retry: RetryPolicy::default(),
        };
        let chains = ChainMap::new().with(ingress(), next);
        let ours = AddressList::new(["example.com"], Decision::HandOver(ingress()));
        let service = HandOverLayer::new(chains).layer(Script::new());
        let service = RouterLayer::new(ours).layer(service);
        let signals = Signals::default();
        if let Some(result) = spf {
            let result = result.to_owned();
            signals.set_durable(&Spf { result }).unwrap();
        }
        let mut to = rcpt("bob@example.com");
        let wanted = Parameter::new("NOTIFY", Some("SUCCESS")).unwrap();
        to.parameters.push(wanted).unwrap();
        let from = mail("alice@example.com");
        let (mut driver, _) = Driver::start_with(service, client(), from, signals);
        let pending = driver.rcpt(to).await;
        assert!(driver.wait(pending).await.is_positive());
        let _ = driver.send(MESSAGE.into()).await;
        let reply = driver.finish().await;
        let told = format!("{notify:?} {spf:?}");
        assert_eq!(
            reply.handover(),
            tells.then_some(Handover::PassedOn),
            "{told}"
        );
        let leg = there.only_received();
        assert_eq!(
            leg.signals.find::<TellsSuccess>().is_some(),
            tells,
            "{told}"
        );
    }
}

/// Chains in which everything is handed over to the same sender.
#[derive(Debug)]
struct Circle;

impl Chains for Circle {
    fn find(&self, _: &Sender) -> Option<Chain> {
        let ours = AddressList::new(["example.com"], Decision::HandOver(ingress()));
        let service = RouterLayer::new(ours).layer(HandOverLayer::new(Circle).layer(Script::new()));
        let pool = BlobPool::in_memory(Limits::default());
        Some(Chain {
            service: BoxMailService::new(Exploder::new(service, ReplyPolicy::Ingress, pool)),
            retry: RetryPolicy::default(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_round_comes_to_an_end() {
    let first = Circle.find(&ingress()).unwrap();
    let (replies, reply) = sent(first.service, &["bob@example.com"], &Signals::default()).await;
    assert_eq!(
        (replies, reply),
        (vec![Reply::loops_back()], Reply::loops_back())
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_here_gives_up_there() {
    let there = Script::new();
    let service = chain(&there, &Script::new());
    let (mut driver, _) = Driver::start(service, client(), mail("alice@example.com"));
    let reply = driver.rcpt(rcpt("bob@example.com")).await;
    assert!(driver.wait(reply).await.is_positive());
    drop(driver);
    let ended = there.ended(1).await;
    assert_eq!(ended[0].end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_and_what_is_asked_for_is_so_there() {
    for is_it in [false, true] {
        let (there, endpoint) = (Script::new(), Script::new());
        let signals = Signals::default();
        if is_it {
            signals.set(Queued).unwrap();
            signals.set(Forced).unwrap();
        }
        sent(chain(&there, &endpoint), &["bob@example.com"], &signals).await;
        let known = there.only_received().signals;
        assert_eq!(known.find::<Queued>().is_some(), is_it);
        assert_eq!(known.find::<Forced>().is_some(), is_it);
    }
}
