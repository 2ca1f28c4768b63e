//! What the filters of mail authentication ask the DNS, and the rules of docs/mail-authentication.md.

use super::*;

const PAGE: &str = include_str!("../../../docs/mail-authentication.md");

/// The items of the list of filters after a place of the page, as they stand in [`config`].
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
        // Nobody asks for anything.
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
        // Of what was refused at the end nothing has come.
        .filter(|it| !it.body.is_empty())
        .map(|it| it.reverse_path().to_string())
        .collect();
    assert_eq!(signals.len(), 4, "{signals:?}");
}
