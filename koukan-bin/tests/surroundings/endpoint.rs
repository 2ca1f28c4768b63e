//! A REST endpoint.

use super::*;

#[tokio::test]
async fn a_rest_endpoint_resolves_and_connects_as_the_embedder_says() {
    let script = Script::new();
    let router = r#"
        hostname: router.example
        storage: memory
        rest_listener: [{ address: "127.0.0.1:0", host: [router.example] }]
        notification: { sender: outgoing }
        sender:
          - { name: submission, chain: submission, rest: {} }
          - { name: outgoing, chain: outgoing }
        chain:
          - name: submission
            endpoint: { exploder: { policy: submission, sender: outgoing } }
          - name: outgoing
            filter: [router: { rules: [dest_domain: {}] }]
            endpoint: { smtp: {} }
        "#;
    let builder = Koukan::builder().resolver(resolver());
    let router = start(builder.connector(connector(&script)), router).await;
    let gateway = r#"
        hostname: gateway.example
        smtp_listener: [{ address: "127.0.0.1:0", sender: submission }]
        notification: { sender: submission }
        sender: [{ name: submission, chain: router }]
        chain:
          - name: router
            endpoint: { rest: { url: "http://router.example:8000" } }
        "#;
    let address = router.rest_addresses()[0];
    let to_router = ScriptedConnector::new(move |_, mut io| {
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = copy_bidirectional(&mut io, &mut stream).await;
        });
    })
    .with_refused("192.0.2.1:8000".parse().unwrap());
    let addresses = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
    let names = ScriptedResolver::new().with_addresses("router.example", addresses);
    let builder = Koukan::builder().resolver(names.clone());
    let gateway = start(builder.connector(to_router.clone()), gateway).await;
    let got = send(&gateway, "a@good.example", "b@example.net").await;
    assert!(got.starts_with("250 2."), "{got}");
    gateway.stop().await;
    router.stop().await;
    assert!(
        names
            .asked()
            .iter()
            .all(|asked| asked == "A router.example")
    );
    let tried = to_router.asked();
    assert_eq!(tried[0], "192.0.2.1:8000".parse().unwrap());
    assert_eq!(tried[1], "192.0.2.2:8000".parse().unwrap());
    assert!(script.only_received().text().contains("hello"));
}
