//! The filter `allowed_senders`.

use super::*;

#[tokio::test]
async fn a_sender_that_is_not_among_those_allowed_is_refused_at_mail() {
    let (script, resolver) = (Script::new(), resolver());
    let connector = connector(&script);
    let builder = Koukan::builder()
        .resolver(resolver.clone())
        .connector(connector.clone());
    let filter = r#"allowed_senders: { domains: [good.example], addresses: ["c@ok.example"], delimiter: "+" }"#;
    let agent = start(builder, &config(filter)).await;
    for from in ["a@bad.example", "a@ok.example", "a@sub.good.example"] {
        let got = send(&agent, from, "b@example.net").await;
        let expected = format!("550 5.7.1 <{from}> may not be used as sender here\r\n");
        assert_eq!(got, expected);
    }
    assert!(connector.asked().is_empty());
    for from in ["a@good.example", "c+lists@OK.example", ""] {
        let got = send(&agent, from, "b@example.net").await;
        assert!(got.starts_with("250 2."), "{from}: {got}");
    }
    agent.stop().await;
    assert_eq!(script.received().len(), 3);
}
