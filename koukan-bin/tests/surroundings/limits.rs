//! Limits, by the filters of docs/limits.md.

use super::*;

const PAGE: &str = include_str!("../../../docs/limits.md");

/// An agent behind a proxy, since DNS lists are not asked about clients on this host.
fn behind_proxy(filters: &str) -> String {
    let own = "sender: ingress }]";
    let text = config(filters);
    assert!(text.contains(own));
    text.replacen(
        own,
        "sender: ingress, proxy_networks: [\"127.0.0.1/32\"] }]",
        1,
    )
}

/// Sends a message as a client at 192.0.2.1, and returns the last reply.
async fn send(agent: &Running, from: &str, to: &str) -> String {
    let mut client = TcpStream::connect(agent.smtp_addresses()[0]).await.unwrap();
    let header = b"PROXY TCP4 192.0.2.1 192.0.2.2 4321 25\r\n";
    client.write_all(header).await.unwrap();
    send_over(client, from, to, "").await
}

#[tokio::test]
async fn clients_are_put_off_and_refused_as_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let (_, rest) = PAGE.split_once("<!-- limits -->").unwrap();
    let (_, rest) = rest.split_once("```yaml\nfilter:\n  - ").unwrap();
    let (filters, _) = rest.split_once("```").unwrap();
    let filters = filters
        .trim_end()
        .replace("/var/lib/koukan", &folder.path().display().to_string())
        .replace("600/h", "4/h")
        .replace('\n', "\n            ");
    let script = Script::new();
    let listed = |address: &str| [address.parse().unwrap()];
    let resolver = resolver()
        .with_addresses("1.2.0.192.bl.example.com", listed("127.0.0.3"))
        .with_addresses("1.2.0.192.good.example.com", listed("127.0.0.1"))
        .with_addresses("bad.example.domains.example.com", listed("127.0.0.2"))
        .with_addresses("worse.example.domains.example.com", listed("127.0.0.2"));
    let builder = || {
        Koukan::builder()
            .resolver(resolver.clone())
            .connector(connector(&script))
    };
    let text = behind_proxy(&filters);
    let agent = start(builder(), &text).await;
    let greylisted = "451 4.7.1 greylisted, try again later";
    // One list names the client as bad, and another one as good.
    let reply = send(&agent, "a@good.example", "b@example.net").await;
    assert_eq!(reply.trim_end(), greylisted);
    agent.stop().await;
    assert!(folder.path().join("greylist").exists());

    // The filter still knows the first attempt after the restart, and the second one is late
    // enough.
    let soon = text.replace("greylist\" }", "greylist\", min: 1ms }");
    let soon = soon.replace("greylist }", "greylist, min: 1ms }");
    assert_ne!(soon, text);
    let agent = start(builder(), &soon).await;
    let reply = send(&agent, "a@good.example", "b@example.net").await;
    assert!(reply.starts_with("250 2."), "{reply}");
    for from in ["a@bad.example", "a@worse.example"] {
        let reply = send(&agent, from, "b@example.net").await;
        assert_eq!(reply.trim_end(), greylisted, "{from}");
    }
    let reply = send(&agent, "c@good.example", "b@example.net").await;
    assert_eq!(reply.trim_end(), greylisted);
    // This is the fifth message within the hour.
    let reply = send(&agent, "a@good.example", "b@example.net").await;
    assert!(reply.starts_with("452 4.7.28"), "{reply}");
    agent.stop().await;
    assert_eq!(
        script.only_received().reverse_path().to_string(),
        "a@good.example"
    );
}

#[tokio::test]
async fn a_client_with_a_score_of_the_threshold_is_refused() {
    let script = Script::new();
    let listed = ["127.0.0.4".parse().unwrap()];
    let resolver = resolver().with_addresses("1.2.0.192.bl.example.com", listed);
    let builder = Koukan::builder()
        .resolver(resolver)
        .connector(connector(&script));
    let filter = "dnsbl: { zones: [{ zone: bl.example.com, weight: 2 }], threshold: 2 }";
    let agent = start(builder, &behind_proxy(filter)).await;
    let reply = send(&agent, "a@good.example", "b@example.net").await;
    assert!(reply.starts_with("554 5.7.1 service refused"), "{reply}");
    agent.stop().await;
    assert!(script.received().is_empty());
}
