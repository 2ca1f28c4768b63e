//! Mail goes to the hosts that the DNS names for a domain.

use koukan_core::network::Mx;

use super::*;

#[tokio::test]
async fn a_router_sends_to_the_mail_hosts_of_a_domain() {
    let script = Script::new();
    let connector = connector(&script).with_refused("192.0.2.24:25".parse().unwrap());
    let names = resolver()
        .with_mx(
            "big.example",
            [Mx::new(5, "first.example"), Mx::new(10, "mx.example.net")],
        )
        .with_addresses("first.example", ["192.0.2.24".parse().unwrap()])
        .with_addresses("mx.example.net", ["192.0.2.25".parse().unwrap()])
        .with_mx("null.example", [Mx::new(0, "")])
        .with_mx("example.net", []);
    let config = config("received_header").replace("dest_domain: {}", "dest_domain: { mx: true }");
    let builder = Koukan::builder().resolver(names.clone());
    let agent = start(builder.connector(connector.clone()), &config).await;
    for (to, expected) in [
        ("b@big.example", "250 2."),
        ("b@example.net", "250 2."),
        ("b@null.example", "556 5.1.10 "),
        ("b@none.example", "550 5.1.2 "),
        ("b@[127.0.0.1]", "550 5."),
        ("b@[192.0.2.25]", "550 5."),
    ] {
        let got = send(&agent, "a@good.example", to).await;
        assert!(got.starts_with(expected), "{to}: {got}");
    }
    agent.stop().await;
    let tried = connector.asked();
    assert_eq!(tried[0], "192.0.2.24:25".parse().unwrap());
    assert!(
        tried[1..]
            .iter()
            .all(|address| *address == "192.0.2.25:25".parse().unwrap())
    );
    let asked = names.asked();
    assert!(asked.contains(&"MX big.example".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn policies_are_looked_for_of_those_domains_of_which_it_is_said() {
    let script = Script::new();
    let connector = connector(&script);
    let names = ScriptedResolver::of_zone(
        r#"
        one.example.    MX 10 mx.example.net.
        two.example.    MX 10 mx.example.net.
        mx.example.net. A 192.0.2.25
        _mta-sts.one.example. TXT "v=STSv1; id=1"
        mta-sts.one.example.  A 127.0.0.1
        "#,
    );
    let config = config("received_header")
        .replace("dest_domain: {}", "dest_domain: { mx: true }")
        .replace("smtp: {}", "smtp: { mta_sts: true }")
        + "
        destination: [{ domain: two.example, mta_sts: false }]\n";
    let builder = Koukan::builder().resolver(names.clone());
    let agent = start(builder.connector(connector), &config).await;
    for to in ["b@one.example", "b@two.example"] {
        let got = send(&agent, "a@good.example", to).await;
        assert!(got.starts_with("250 2."), "{to}: {got}");
    }
    agent.stop().await;
    let asked = names.asked();
    let policies: Vec<_> = asked
        .iter()
        .filter(|name| name.contains("mta-sts"))
        .collect();
    // The policy's host has an address from which nothing may be fetched.
    assert_eq!(
        policies,
        ["TXT _mta-sts.one.example", "A mta-sts.one.example"]
    );
}
