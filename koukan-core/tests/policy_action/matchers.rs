//! The distinctions that matchers make.

use koukan_core::{
    blob::Blob,
    context::{Context, Sender},
    filter::policy_action::matchers::{
        AddressMatcher, InvalidPath, NetworkAddress, NumRcpts, OverTls, SmtpAuth, WhichAddress,
    },
    middleware::{DeliverOutcome, DeliverRequest},
    test_util::send_with,
};

use super::*;

#[tokio::test]
async fn recipients_are_refused_one_by_one() {
    let upstream = Script::new().rcpt("gone@y.example", Reply::no_such_user());
    let to = |prefix: &str| {
        let list = MailboxList::default().with_prefixes([prefix]);
        Expression::new(AddressMatcher::new(WhichAddress::RcptTo, list))
    };
    let all = [
        // An exception for one of them.
        PolicyRule::new("to").with_match(to("eve")).per_recipient(),
        reject("to")
            .with_name("invalid")
            .with_match(Expression::any([
                Expression::new(InvalidPath::new(WhichAddress::RcptTo)),
                to("mallory"),
                to("eve"),
            ]))
            .with_reply(Reply::no_such_user())
            .per_recipient(),
        PolicyRule::new("max")
            .with_match(Expression::new(NumRcpts::new(3)))
            .with_action(PolicyAction::Defer)
            .per_recipient(),
    ];
    let service = rules(all, BoxMailService::new(upstream.clone()));
    let recipients = [
        "bob@y.example",
        "bob@localhost",
        "eve@y.example",
        "mallory@y.example",
        "carol@y.example",
        "dave@y.example",
    ];
    let outcome = send(service, mail("a@x"), recipients.map(rcpt), "\r\n").await;
    let codes: Vec<_> = outcome
        .recipients
        .iter()
        .map(|reply| reply.code().as_u16())
        .collect();
    assert_eq!(codes, [250, 550, 250, 550, 250, 450]);
    let received = upstream.only_received();
    assert_eq!(
        received.recipient_texts(),
        ["bob@y.example", "eve@y.example", "carol@y.example"]
    );
}

async fn from(facts: Context, service: BoxMailService) -> DeliverOutcome {
    let message = Blob::from_bytes(Bytes::from_static(b"\r\n"));
    let mut request = DeliverRequest::new(Arc::new(facts), mail("a@x"), message);
    request.recipients.push(rcpt("b@y"));
    send_with(service, request).await
}

#[tokio::test]
async fn facts_of_the_session() {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap());
    let inside = Expression::new(NetworkAddress::new(networks));
    for (address, is_inside) in [
        (Some("10.1.2.3:25"), true),
        (Some("[::ffff:10.1.2.3]:25"), true),
        (Some("[2001:db8::1]:25"), true),
        (Some("192.0.2.1:25"), false),
        (None, false),
    ] {
        let mut facts = Context::new(Sender::new("test"));
        facts.remote_host = address.map(|address| address.parse().unwrap());
        let rule = reject("outside").with_match(inside.clone().negated());
        let service = rules([rule], BoxMailService::new(Script::new()));
        let outcome = from(facts, service).await;
        assert_eq!(outcome.is_delivered(), is_inside, "{address:?}");
    }
    for (identity, wanted, is_so) in [
        (None, &[][..], false),
        (Some("alice"), &[], true),
        (Some("alice"), &["bob", "alice"], true),
        (Some("Alice"), &["alice"], false),
    ] {
        let mut facts = Context::new(Sender::new("test"));
        facts.identity = identity.map(Into::into);
        let known = Expression::new(SmtpAuth::new(wanted.iter().copied()));
        let rule = reject("auth").with_match(known.negated());
        let service = rules([rule], BoxMailService::new(Script::new()));
        let outcome = from(facts, service).await;
        assert_eq!(outcome.is_delivered(), is_so, "{identity:?}");
    }
    let rule = reject("tls").with_match(Expression::new(OverTls).negated());
    let service = rules([rule], BoxMailService::new(Script::new()));
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\n").await;
    assert!(outcome.mail.is_permanent());
}
