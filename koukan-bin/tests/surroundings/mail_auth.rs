//! The DNS queries of the filters for mail authentication, and the rules of
//! docs/mail-authentication.md.

use jiff::Timestamp;
use koukan_core::clock::Clock;

use super::*;

const PAGE: &str = include_str!("../../../docs/mail-authentication.md");

/// The items of the list of filters after that place in the page, indented as in [`config`].
fn filters(after: &str) -> String {
    let (_, rest) = PAGE.split_once(after).unwrap();
    let (_, rest) = rest.split_once("```yaml\nfilter:\n  - ").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    text.trim_end().replace('\n', "\n            ")
}

fn text(text: &str) -> [Box<[u8]>; 1] {
    [text.as_bytes().into()]
}

#[tokio::test]
async fn a_client_that_a_domain_does_not_name_is_refused_as_the_page_says() {
    let script = Script::new();
    let resolver = resolver()
        .with_txt("good.example", text("v=spf1 ip4:127.0.0.1 -all"))
        .with_txt("bad.example", text("v=spf1 ip4:192.0.2.1 -all"))
        .with_txt("_dmarc.bank.example", text("v=DMARC1; p=reject"));
    let builder = Koukan::builder()
        .resolver(resolver)
        .connector(connector(&script));
    let agent = start(builder, &config(filters("<!-- check -->"))).await;
    for (from, reply) in [
        ("a@good.example", "250 2."),
        (
            "a@bad.example",
            "550 5.7.23 this host may not send mail of that domain",
        ),
        ("a@none.example", "250 2."),
    ] {
        let header = format!("From: {from}\r\n");
        let got = send_with(&agent, from, "b@example.net", &header).await;
        assert!(got.starts_with(reply), "{from}: {got}");
    }
    let from = |domain: &str| format!("From: a@{domain}\r\n");
    let [good, bad] = ["good.example", "bad.example"].map(from);
    let refused = "550 5.7.1 the From field has to say who the author is";
    for (header, reply) in [
        (good.clone(), "250 2."),
        (String::new(), refused),
        (format!("{good}{bad}"), refused),
        // The domain's policy asks for nothing.
        (
            "From: a@good.example, a@none.example\r\n".to_owned(),
            "250 2.",
        ),
        (
            "From: a@good.example, a@bank.example\r\n".to_owned(),
            "550 5.7.26 ",
        ),
    ] {
        let got = send_with(&agent, "a@good.example", "b@example.net", &header).await;
        assert!(got.starts_with(reply), "{header}: {got}");
    }
    agent.stop().await;
    let text = script.received()[0].text().to_owned();
    let first = "Authentication-Results: me.example;\r\n\tspf=pass smtp.mailfrom=good.example";
    assert!(text.starts_with(first), "{text}");
    let signals: Vec<_> = script
        .received()
        .iter()
        // Messages that were refused at the end have not arrived.
        .filter(|it| !it.body.is_empty())
        .map(|it| it.reverse_path().to_string())
        .collect();
    assert_eq!(signals.len(), 4, "{signals:?}");
}

/// A message that was passed on by `list.example` and then by `relay.example`, with their keys.
const PASSED_ON: &str = include_str!("../../../fuzz/corpus/arc_chain/two");
/// The same message before `relay.example` has passed it on.
const PASSED_ON_ONCE: &str = include_str!("../../../fuzz/corpus/arc_chain/one");
const KEY: &str = include_str!("arc.key");

/// The time at which they did so.
#[derive(Debug)]
struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_802_111).unwrap()
    }
}

#[tokio::test]
async fn what_a_list_has_passed_on_is_taken_as_the_page_says() {
    let script = Script::new();
    let mut resolver = resolver().with_txt("_dmarc.a.example", text("v=DMARC1; p=reject"));
    for name in [
        "one._domainkey.list.example",
        "two._domainkey.relay.example",
    ] {
        resolver = resolver.with_txt(name, text(KEY.trim_end()));
    }
    let builder = Koukan::builder()
        .resolver(resolver)
        .connector(connector(&script))
        .clock(Then);
    let trusted = filters("<!-- arc -->").replace("lists.example.org", "relay.example");
    let agent = start(builder, &config(trusted)).await;
    let refused = "550 5.7.26 the author's domain does not stand for this message";
    for (message, reply) in [
        (PASSED_ON.to_owned(), "250 2."),
        (PASSED_ON.replace("a footer", "another"), refused),
        // A known host has passed it on, but not the trusted one.
        (PASSED_ON_ONCE.to_owned(), refused),
        ("From: a@a.example\r\n\r\nx\r\n".to_owned(), refused),
    ] {
        let mut client = TcpStream::connect(agent.smtp_addresses()[0]).await.unwrap();
        let commands = [
            "",
            "EHLO c\r\n",
            "MAIL FROM:<x@list.example>\r\n",
            "RCPT TO:<b@example.net>\r\n",
            "DATA\r\n",
        ];
        for command in commands {
            reply_to(&mut client, command).await;
        }
        let got = reply_to(&mut client, &format!("{message}.\r\n")).await;
        assert!(got.starts_with(reply), "{got}: {message}");
    }
    agent.stop().await;
}
