//! Aliases in front of an Exploder.

use koukan_core::{
    filter::{
        Replaceable,
        router::{AddressList, Aliases, Decision, Expand, RouterLayer, Rules},
    },
    path::Parameter,
    reply::Reply,
    service::MailService,
    stage::exploder::{Exploder, MEMBERS_MAX, NotifyWhen, ReplyPolicy},
    storage::{Listing, MemoryBackend, Records, Search},
    test_util::{Received, Script, mail, rcpt, send},
    transaction::Rcpt,
};
use rstest::rstest;
use tower::Layer;

use crate::agent::{Agent, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn front(agent: &Agent, policy: ReplyPolicy, aliases: &str) -> impl MailService + use<> {
    expand(agent.exploder(policy), aliases)
}

/// As an agent has it, with reports of success.
fn telling_front(agent: &Agent, notify: NotifyWhen, aliases: &str) -> impl MailService + use<> {
    let pool = agent.storage.pool().clone();
    let exploder = Exploder::new(agent.writer.clone().boxed(), ReplyPolicy::Submission, pool);
    let notices = agent.output.expansion_notices(agent.storage.clone());
    expand(
        exploder.with_notify(notify).with_expansion_notices(notices),
        aliases,
    )
}

fn expand<M: MailService>(exploder: M, aliases: &str) -> impl MailService + use<M> {
    let aliases = Replaceable::new(aliases.parse::<Aliases>().unwrap());
    let rules = Rules::new()
        .with(Expand::new(aliases))
        .with(AddressList::new(["y"], Decision::Accept));
    RouterLayer::new(rules).layer(exploder)
}

fn delivered(upstream: &Script) -> Vec<String> {
    let received = upstream.received();
    let whole = received.iter().filter(|received| received.body == MESSAGE);
    let mut to: Vec<_> = whole
        .flat_map(|received| received.recipient_texts())
        .collect();
    to.sort_unstable();
    to.into_iter().map(Into::into).collect()
}

#[tokio::test(start_paused = true)]
async fn each_of_those_that_a_recipient_stands_for_has_a_part_of_its_own() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let aliases = "all@y: b@y, c@z, team@y\nteam@y: d@y, b@y\n";
    let to = [rcpt("all@y"), rcpt("team@y"), rcpt("e@y"), rcpt("no@w")];
    let outcome = send(
        front(&agent, ReplyPolicy::Ingress, aliases),
        mail("a@x"),
        to,
        MESSAGE,
    )
    .await;
    let ok = Reply::recipient_ok;
    assert_eq!(
        outcome.recipients,
        [ok(), ok(), ok(), Reply::relay_denied()]
    );
    assert!(outcome.message.unwrap().is_positive());
    // Two aliases stand for b and for d, who get one copy.
    assert_eq!(delivered(&upstream), ["b@y", "c@z", "d@y", "e@y"]);
    assert_eq!(agent.census().await.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_or_put_off_is_kept_whatever_the_client_is() {
    for policy in [ReplyPolicy::Ingress, ReplyPolicy::Submission] {
        let upstream = Script::new()
            .rcpt("gone@y", Reply::no_such_user())
            .rcpt("busy@y", Reply::mailbox_busy());
        let agent = Agent::over(upstream.clone()).await;
        let front = front(&agent, policy, "all@y: b@y, gone@y, busy@y\n");
        let outcome = send(front, mail("a@x"), [rcpt("all@y")], MESSAGE).await;
        assert_eq!(outcome.recipients, [Reply::recipient_ok()], "{policy:?}");
        assert!(outcome.message.unwrap().is_positive(), "{policy:?}");
        assert_eq!(delivered(&upstream), ["b@y"]);
        let running = agent.dispatch();
        // For one, a notification goes to the sender; the other is tried again, and is not expanded
        // again.
        until(async || notified(&upstream) && agent.census().await.waiting == 1).await;
        running.stop().await;
        let asked = upstream.received();
        let mut asked = asked.iter().flat_map(|received| received.recipient_texts());
        assert!(asked.all(|to| to != "all@y"));
    }
}

fn notified(upstream: &Script) -> bool {
    let received = upstream.received();
    let mut notices = received
        .iter()
        .filter(|received| received.text().contains("multipart/report"));
    notices.any(|notice| {
        notice.recipient_texts() == ["a@x"]
            && notice.text().contains("Final-Recipient: rfc822; gone@y")
            && notice.text().contains("Original-Recipient: rfc822; all@y")
    })
}

#[tokio::test(start_paused = true)]
async fn a_message_that_others_refuse_still_goes_to_those_of_the_alias() {
    let upstream = Script::new().rcpt("e@y", Reply::no_such_user());
    let agent = Agent::over(upstream.clone()).await;
    let front = front(&agent, ReplyPolicy::Ingress, "all@y: b@y\n");
    let to = [rcpt("e@y"), rcpt("all@y")];
    let outcome = send(front, mail(""), to, MESSAGE).await;
    assert_eq!(
        outcome.recipients,
        [Reply::no_such_user(), Reply::recipient_ok()]
    );
    assert!(outcome.message.unwrap().is_positive());
    assert_eq!(delivered(&upstream), ["b@y"]);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_has_no_more_parts_than_that() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let members: Vec<_> = (0..MEMBERS_MAX).map(|n| format!("m{n}@y")).collect();
    let aliases = format!("all@y: {}\nmore@y: b@y\n", members.join(","));
    let to = [rcpt("all@y"), rcpt("more@y"), rcpt("e@y")];
    let outcome = send(
        front(&agent, ReplyPolicy::Ingress, &aliases),
        mail("a@x"),
        to,
        MESSAGE,
    )
    .await;
    let ok = Reply::recipient_ok;
    assert_eq!(
        outcome.recipients,
        [ok(), Reply::too_many_recipients(), ok()]
    );
    assert_eq!(delivered(&upstream).len(), MEMBERS_MAX + 1);
}

/// A recipient with the notifications requested for it, and its original address.
pub(crate) fn asking(to: &str, asked: &[(&str, &str)]) -> Rcpt {
    let mut rcpt = rcpt(to);
    for (keyword, value) in asked {
        let parameter = Parameter::new(keyword, Some(value)).unwrap();
        rcpt.parameters.push(parameter).unwrap();
    }
    rcpt
}

fn notices(upstream: &Script) -> Vec<Received> {
    let received = upstream.received().into_iter();
    received
        .filter(|received| received.reverse_path().is_null())
        .collect()
}

/// The recipients they report, and the actions.
fn actions(notices: &[Received]) -> Vec<(&str, &str)> {
    fn values<'a>(notice: &'a Received, name: &'static str) -> impl Iterator<Item = &'a str> {
        notice
            .text()
            .lines()
            .filter_map(move |line| line.strip_prefix(name))
    }
    let all = notices.iter().flat_map(|notice| {
        let to = values(notice, "Final-Recipient: rfc822; ");
        to.zip(values(notice, "Action: "))
    });
    all.collect()
}

#[rstest]
#[case::of_several("SUCCESS,FAILURE", "all@y", &[("all@y", "expanded")])]
#[case::of_one("SUCCESS", "one@y", &[("b@y", "relayed")])]
#[case::not_asked_for("FAILURE", "all@y", &[])]
#[case::nothing_said("", "all@y", &[])]
#[tokio::test(start_paused = true)]
async fn a_sender_that_asks_for_success_hears_that_a_recipient_was_expanded(
    #[case] asked: &str,
    #[case] to: &str,
    #[case] expected: &[(&str, &str)],
) {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let front = telling_front(&agent, NotifyWhen::Always, "all@y: b@y, c@y\none@y: b@y\n");
    let asked = [("NOTIFY", asked)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    let to = asking(to, &asked.collect::<Vec<_>>());
    let outcome = send(front, mail("a@x"), [to], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let running = agent.dispatch();
    until(async || agent.census().await.waiting == 0 && agent.census().await.leased == 0).await;
    running.stop().await;
    let notices = notices(&upstream);
    assert_eq!(actions(&notices), expected);
    for notice in &notices {
        assert_eq!(notice.recipient_texts(), ["a@x"]);
        assert!(notice.text().contains("Subject: hi"), "{}", notice.text());
    }
}

/// As it reports those that were delivered.
#[tokio::test(start_paused = true)]
async fn who_was_expanded_and_who_was_delivered_are_in_one_notification() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let front = telling_front(&agent, NotifyWhen::Always, "all@y: b@y, c@y\n");
    let success = [("NOTIFY", "SUCCESS")];
    let to = [asking("all@y", &success), asking("d@y", &success)];
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let running = agent.dispatch();
    until(async || agent.census().await.waiting == 0 && agent.census().await.leased == 0).await;
    running.stop().await;
    let notices = notices(&upstream);
    assert_eq!(notices.len(), 1);
    let mut actions = actions(&notices);
    actions.sort_unstable();
    assert_eq!(actions, [("all@y", "expanded"), ("d@y", "relayed")]);
}

/// One notification reports all of them, each once.
#[tokio::test(start_paused = true)]
async fn a_recipient_that_is_named_again_is_told_of_once() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let aliases = "all@y: b@y, c@y\nteam@y: c@y, d@y\nrest@y: d@y, e@y\n";
    let front = telling_front(&agent, NotifyWhen::Always, aliases);
    let success = [("NOTIFY", "SUCCESS")];
    let to = [
        asking("all@y", &success),
        asking("team@y", &success),
        asking("all@Y", &success),
        asking("rest@y", &[("NOTIFY", "NEVER")]),
    ];
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert!(outcome.recipients.iter().all(Reply::is_positive));
    let running = agent.dispatch();
    until(async || agent.census().await.waiting == 0 && agent.census().await.leased == 0).await;
    running.stop().await;
    let notices = notices(&upstream);
    assert_eq!(notices.len(), 1);
    assert_eq!(
        actions(&notices),
        [("all@y", "expanded"), ("team@y", "expanded")]
    );
    // The sender to an alias learns nothing of its members.
    for member in ["b@y", "c@y", "d@y", "e@y"] {
        assert!(!notices[0].text().contains(member), "{member}");
    }
}

/// Only members and the notification are listed, and all have the id of the message.
#[tokio::test(start_paused = true)]
async fn who_was_expanded_is_no_transaction_and_is_told_of_once_all_are_taken() {
    let backend = MemoryBackend::new();
    let upstream = Script::new().rcpt("busy@y", Reply::mailbox_busy());
    let agent = Agent::on(backend.clone(), upstream.clone()).await;
    let front = telling_front(&agent, NotifyWhen::Always, "all@y: b@y, busy@y\n");
    let to = asking(
        "all@y",
        &[("NOTIFY", "SUCCESS"), ("ORCPT", "rfc822;first@z")],
    );
    let mut from = mail("a@x");
    let envid = Parameter::new("ENVID", Some("QQ314")).unwrap();
    from.parameters.push(envid).unwrap();
    let outcome = send(front, from, [to], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    agent.storage.flush().await;
    let listing = Listing {
        sender: None,
        state: None,
        search: Search::default(),
        before: None,
        limit: 100,
    };
    let listed = backend.list(listing).await.unwrap();
    let mut to: Vec<_> = listed
        .iter()
        .flat_map(|stored| stored.recipients.iter())
        .map(|recipient| recipient.rcpt.forward_path.as_str().to_owned())
        .collect();
    to.sort();
    assert_eq!(to, ["a@x", "b@y", "busy@y"]);
    let running = agent.dispatch();
    until(async || !notices(&upstream).is_empty()).await;
    running.stop().await;
    let notices = notices(&upstream);
    assert_eq!(actions(&notices), [("all@y", "expanded")]);
    let text = notices[0].text();
    assert!(
        text.contains("Original-Recipient: rfc822; first@z"),
        "{text}"
    );
    assert!(text.contains("Original-Envelope-Id: QQ314"), "{text}");
    assert!(text.contains("Subject: Your mail was sent on"), "{text}");
}

#[rstest]
#[case::of_a_notification("", NotifyWhen::Always)]
#[case::where_nobody_is_told("a@x", NotifyWhen::Never)]
#[tokio::test(start_paused = true)]
async fn nobody_else_hears_that_a_recipient_was_expanded(
    #[case] from: &str,
    #[case] notify: NotifyWhen,
) {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let front = telling_front(&agent, notify, "all@y: b@y, c@y\n");
    let to = asking("all@y", &[("NOTIFY", "SUCCESS")]);
    let outcome = send(front, mail(from), [to], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(delivered(&upstream), ["b@y", "c@y"]);
    assert_eq!(agent.census().await.waiting, 0);
}

/// Such a member gets one copy, whichever comes first; the request and the reply for his own address
/// count.
#[rstest]
#[case::first(&["b@y", "all@y"])]
#[case::last(&["all@y", "b@y"])]
#[case::of_two(&["all@y", "b@y", "team@y"])]
#[tokio::test(start_paused = true)]
async fn a_member_that_is_named_himself_gets_one_copy(
    #[case] to: &[&str],
    #[values("b@y", "gone@y")] own: &str,
) {
    let upstream = Script::new().rcpt("gone@y", Reply::no_such_user());
    let agent = Agent::over(upstream.clone()).await;
    let aliases = format!("all@y: {own}, c@y\nteam@y: {own}, c@y\n");
    let front = front(&agent, ReplyPolicy::Submission, &aliases);
    let asked = [("NOTIFY", "NEVER"), ("ORCPT", "rfc822;bob@z")];
    let rcpts = to.iter().map(|to| match *to {
        "b@y" => asking(own, &asked),
        alias => rcpt(alias),
    });
    let outcome = send(front, mail("a@x"), rcpts, MESSAGE).await;
    assert!(outcome.message.unwrap().is_positive());
    let named = to.iter().position(|to| *to == "b@y").unwrap();
    assert_eq!(outcome.recipients[named].is_positive(), own == "b@y");
    let mut expected = vec!["c@y"];
    if own == "b@y" {
        expected.insert(0, "b@y");
    }
    assert_eq!(delivered(&upstream), expected);
    // The refused recipient was reported to the client, and is not reported again.
    assert_eq!(agent.census().await.waiting, 0);
    let received = upstream.received();
    let mut all = received.iter().flat_map(|received| &received.recipients);
    let parameters = all.find(|rcpt| rcpt.forward_path.as_str() == "b@y");
    let parameters = parameters.map(|rcpt| {
        let asked = ["NOTIFY", "ORCPT"].map(|keyword| rcpt.parameters.get(keyword));
        asked.map(|parameter| parameter.and_then(Parameter::value).map(str::to_owned))
    });
    if own == "b@y" {
        let expected = asked.map(|(_, value)| Some(value.to_owned()));
        assert_eq!(parameters, Some(expected));
    }
}
