//! One of several hosts, drawn by weight.

use super::*;

#[tokio::test]
async fn where_the_host_that_was_drawn_is_gone_the_others_are_tried() {
    let script = Script::new();
    let gone = ["192.0.2.26".parse().unwrap()];
    let resolver = resolver().with_addresses("gone.example", gone);
    let builder = Koukan::builder()
        .resolver(resolver)
        .connector(connector(&script));
    // This host is drawn first, except once in four thousand million times.
    let hosts = "host_list: [{ host: \"gone.example:25\", weight: 4294967295 }, { host: \"example.net:25\" }]";
    let text = config("received_header").replace("dest_domain: {}", hosts);
    let agent = start(builder, &text).await;
    let reply = send(&agent, "a@good.example", "b@elsewhere.example").await;
    assert!(reply.starts_with("250 2."), "{reply}");
    agent.stop().await;
    let received = script.only_received();
    assert_eq!(received.reverse_path().to_string(), "a@good.example");
}
