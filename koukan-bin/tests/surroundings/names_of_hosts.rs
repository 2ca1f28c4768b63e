//! The DNS queries of filters about clients and domains, and the rules of docs/policies.md.

use super::*;

const PAGE: &str = include_str!("../../../docs/policies.md");

/// The items of the list of filters after that place in the page, indented as in [`config`].
fn filters(after: &str) -> String {
    let (_, rest) = PAGE.split_once(after).unwrap();
    let (_, rest) = rest.split_once("```yaml\nfilter:\n  - ").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    text.trim_end().replace('\n', "\n            ")
}

/// The client has the address `127.0.0.1`, and names itself `client.example`.
fn names() -> ScriptedResolver {
    resolver()
        .with_ptr("127.0.0.1".parse().unwrap(), ["client.example".into()])
        .with_addresses("client.example", ["127.0.0.1".parse().unwrap()])
        .with_mx("example.net", [])
        .with_mx("null.example", [koukan_core::network::Mx::new(0, "")])
        .with_failure("down.example")
}

async fn replies(resolver: ScriptedResolver, place: &str, cases: &[(&str, &str, &str)]) {
    let script = Script::new();
    let builder = Koukan::builder()
        .resolver(resolver)
        .connector(connector(&script));
    let agent = start(builder, &config(filters(place))).await;
    for (from, to, reply) in cases {
        let got = send(&agent, from, to).await;
        assert!(got.starts_with(reply), "{from} {to}: {got}");
    }
    agent.stop().await;
}

#[tokio::test]
async fn clients_without_a_name_that_leads_back_are_refused_as_the_page_says() {
    let nameless = resolver().with_ptr("127.0.0.1".parse().unwrap(), []);
    let liar = names().with_addresses("client.example", ["192.0.2.9".parse().unwrap()]);
    let unknown = resolver()
        .with_ptr("127.0.0.1".parse().unwrap(), ["down.example".into()])
        .with_failure("down.example");
    for (resolver, reply) in [
        (names(), "250 2."),
        (nameless, "550 5.7.25 "),
        (liar, "550 5.7.25 "),
        (unknown, "450 4.7.25 "),
    ] {
        let case = [("a@example.net", "b@example.net", reply)];
        replies(resolver, "<!-- remote_host -->", &case).await;
    }
}

#[tokio::test]
async fn senders_and_recipients_without_hosts_are_refused_as_the_page_says() {
    let cases = [
        ("a@example.net", "b@example.net", "250 2."),
        ("", "b@example.net", "250 2."),
        ("a@none.example", "b@example.net", "550 5.1.8 "),
        ("a@null.example", "b@example.net", "550 5.7.27 "),
        ("a@down.example", "b@example.net", "450 4.1.8 "),
        ("a@example.net", "b@none.example", "550 5.1.2 "),
    ];
    replies(names(), "<!-- dns_resolution -->", &cases).await;
}

#[tokio::test]
async fn suffixes_and_literals_lead_where_rules_say() {
    let script = Script::new();
    let resolver =
        resolver().with_addresses("sales.inside.example", ["192.0.2.25".parse().unwrap()]);
    let config = config("received_header").replace(
        "dest_domain: {}",
        r#"suffix: { suffix: .out.example, replace_by: .inside.example }, suffix: { suffix: .far.example, hosts: ["192.0.2.25:25"] }, literal: { networks: ["192.0.2.0/24", "127.0.0.0/8"] }, dest_domain: {}"#,
    );
    // Each rule is an item of the list.
    let config = config
        .replace("rules: [", "rules: [{ ")
        .replace("}, suffix", "} }, { suffix")
        .replace("}, literal", "} }, { literal")
        .replace("}, dest_domain: {}", "} }, { dest_domain: {} }");
    let builder = Koukan::builder()
        .resolver(resolver)
        .connector(connector(&script));
    let agent = start(builder, &config).await;
    for (to, reply) in [
        ("b@sales.OUT.example", "250 2."),
        ("b@any.far.example", "250 2."),
        ("b@[192.0.2.25]", "250 2."),
        ("b@[198.51.100.1]", "550 5."),
        // If a client chooses the destination, it cannot reach services of this host.
        ("b@[127.0.0.1]", "550 5.7.1 "),
    ] {
        let got = send(&agent, "a@example.net", to).await;
        assert!(got.starts_with(reply), "{to}: {got}");
    }
    agent.stop().await;
}
