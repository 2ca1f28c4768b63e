//! Rules that use the header section.

use koukan_core::{
    body::HEADER_MAX,
    filter::{
        MailboxSet, Replaceable,
        policy_action::matchers::{HeaderCondition, HeaderMatcher, Pattern},
    },
    middleware::DeliverOutcome,
};

use super::*;

fn subject(value: HeaderCondition) -> Expression {
    Expression::new(HeaderMatcher::new("Subject", value))
}

async fn sent(expression: Expression, message: &str) -> DeliverOutcome {
    let rule = reject("header").with_match(expression);
    let service = rules([rule], BoxMailService::new(Script::new()));
    send(service, mail("a@x"), [rcpt("b@y")], message.to_owned()).await
}

fn is_refused(outcome: &DeliverOutcome) -> bool {
    assert!(outcome.mail.is_positive() && outcome.recipients[0].is_positive());
    let message = outcome.message.as_ref().unwrap();
    assert!(message.is_positive() || message.text().contains("(header)"));
    message.is_permanent()
}

#[tokio::test]
async fn what_stands_in_a_field() {
    let boxed = |text: &str| vec![text.into()];
    let like = |text: &str| HeaderCondition::Like(vec![Pattern::new(text)]);
    for (value, message, is_so) in [
        (HeaderCondition::Present, "subject: x\r\n\r\n", true),
        (
            HeaderCondition::Present,
            "X: y\r\n\r\nSubject: x\r\n",
            false,
        ),
        (HeaderCondition::Absent, "X: y\r\n\r\nSubject: x\r\n", true),
        (HeaderCondition::Absent, "Subject:\r\n\r\n", false),
        (
            HeaderCondition::Is(boxed("Big News")),
            "Subject: big\r\n news\r\n\r\n",
            true,
        ),
        (
            HeaderCondition::Is(boxed("big")),
            "Subject: big news\r\n\r\n",
            false,
        ),
        (HeaderCondition::Is(boxed("")), "Subject:\r\n\r\n", true),
        (
            HeaderCondition::Begins(boxed("BIG")),
            "Subject: big news\r\n\r\n",
            true,
        ),
        (
            HeaderCondition::Begins(boxed("news")),
            "Subject: big news\r\n\r\n",
            false,
        ),
        (
            like("*gr\u{fc}n*"),
            "Subject: ist =?utf-8?q?GR=C3=9CN?=\r\n\r\n",
            true,
        ),
        // Any of the fields may match.
        (like("b*"), "Subject: a\r\nSubject: b\r\n\r\n", true),
        (like("c*"), "Subject: a\r\nSubject: b\r\n\r\n", false),
    ] {
        let told = format!("{value:?} {message:?}");
        let outcome = sent(subject(value), message).await;
        assert_eq!(is_refused(&outcome), is_so, "{told}");
    }
}

#[tokio::test]
async fn who_the_message_says_it_is_from() {
    let ours = MailboxList::default().with_domains(["ours.example"]);
    let listed: MailboxSet = "ours.example\n".parse().unwrap();
    for (which, from, is_so) in [
        (WhichAddress::HeaderFrom, "From: A <a@ours.example>", true),
        (
            WhichAddress::HeaderFrom,
            "From: a@ours.example, b@ours.example",
            true,
        ),
        (
            WhichAddress::HeaderFrom,
            "From: a@ours.example, b@evil.example",
            false,
        ),
        (
            WhichAddress::HeaderFrom,
            "From: a@ours.example\r\nFrom: a@ours.example",
            false,
        ),
        (
            WhichAddress::HeaderFrom,
            "From: a@ours.example\r\n?\r\nFrom: b@evil.example",
            false,
        ),
        (WhichAddress::HeaderFrom, "Sender: a@ours.example", false),
        (
            WhichAddress::AnyHeaderFrom,
            "From: b@evil.example, a@ours.example",
            true,
        ),
        (
            WhichAddress::AnyHeaderFrom,
            "From: b@evil.example\r\nFrom: a@ours.example",
            true,
        ),
        (WhichAddress::AnyHeaderFrom, "From: b@evil.example", false),
        (WhichAddress::AnyHeaderFrom, "Sender: a@ours.example", false),
    ] {
        let set = Replaceable::new(listed.clone());
        for matcher in [
            AddressMatcher::new(which, ours.clone()),
            AddressMatcher::in_set(which, set, None),
        ] {
            let message = format!("{from}\r\n\r\nhello\r\n");
            let outcome = sent(Expression::new(matcher), &message).await;
            assert_eq!(is_refused(&outcome), is_so, "{from}");
        }
    }
}

#[tokio::test]
async fn a_rule_sees_what_filters_before_it_have_made_of_the_header() {
    let adds = from_fn(async |tx: Transaction, next: Next| {
        next.run(tx.prepend("Subject: added\r\n".into())).await
    });
    let is = |text: &str| subject(HeaderCondition::Is(vec![text.into()]));
    let rule = |tag: &str, expression| reject(tag).with_match(expression);
    let upstream = BoxMailService::new(Script::new());
    let after = rules([rule("after", is("added"))], upstream);
    let between = BoxMailService::new(adds.layer(after));
    let before = rules(
        [rule("before", is("added")), rule("own", is("other"))],
        between,
    );
    let outcome = send(before, mail("a@x"), [rcpt("b@y")], "Subject: own\r\n\r\n").await;
    let text = outcome.message.unwrap().text().to_string();
    assert!(text.contains("(after)"), "{text}");
}

#[tokio::test]
async fn a_header_section_without_end_is_refused_where_a_rule_asks_for_it() {
    let long = format!("X: {}\r\n\r\n", "x".repeat(HEADER_MAX));
    let outcome = sent(subject(HeaderCondition::Present), &long).await;
    let reply = outcome.message.unwrap();
    assert_eq!(reply.code(), Reply::message_too_big().code());
    let outcome = sent(bad(), &long).await;
    assert!(outcome.is_delivered());
}
