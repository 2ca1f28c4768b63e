//! Recipients that stand for others, before an Exploder.

use koukan_core::{
    filter::{
        Replaceable,
        router::{AddressList, Aliases, Decision, Expand, RouterLayer, Rules},
    },
    reply::Reply,
    service::MailService,
    stage::exploder::{MEMBERS_MAX, ReplyPolicy},
    test_util::{Script, mail, rcpt, send},
};
use tower::Layer;

use crate::agent::{Agent, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn front(agent: &Agent, policy: ReplyPolicy, aliases: &str) -> impl MailService + use<> {
    let aliases = Replaceable::new(aliases.parse::<Aliases>().unwrap());
    let rules = Rules::new()
        .with(Expand::new(aliases))
        .with(AddressList::new(["y"], Decision::Accept));
    RouterLayer::new(rules).layer(agent.exploder(policy))
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
        // Of the one a notification goes to the sender; the other is tried again, and expanded no more.
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
