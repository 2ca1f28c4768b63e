use std::net::IpAddr;

use koukan_core::{
    filter::dnsbl::{Dnsbl, DnsblLayer, Listed, Subject, Zone},
    test_util::send,
};

use super::*;

fn addresses<const N: usize>(addresses: [&str; N]) -> [IpAddr; N] {
    addresses.map(|address| address.parse().unwrap())
}

fn resolver() -> ScriptedResolver {
    ScriptedResolver::new()
        .with_addresses(
            "1.2.0.192.bl.example",
            addresses(["127.0.0.4", "127.0.0.10"]),
        )
        .with_addresses("2.2.0.192.bl.example", addresses(["127.255.255.254"]))
        // The domain of a former list has a new owner.
        .with_addresses("3.2.0.192.bl.example", addresses(["203.0.113.1"]))
        .with_addresses("1.2.0.192.wl.example", addresses(["127.0.0.1"]))
        .with_addresses("bad.example.dbl.example", addresses(["127.0.1.2"]))
        .with_addresses("mail.client.example.dbl.example", addresses(["127.0.1.3"]))
        .with_silence("1.2.0.192.hung.example")
        .with_failure("1.2.0.192.broken.example")
}

fn client(zone: &str) -> Zone {
    Zone::new(zone, Subject::Client)
}

async fn found(zones: Vec<Zone>, context: Context, from: &str) -> (Reply, Option<Dnsbl>) {
    let script = Script::new();
    let layer = DnsblLayer::new(zones.clone(), Arc::new(resolver()));
    let (reply, _) = asked(layer.layer(script), context.clone(), from, &[]).await;
    let script = Script::new();
    let layer = DnsblLayer::new(zones, Arc::new(resolver())).without_refusal();
    let service = layer.layer(script.clone());
    let (mut driver, _) = Driver::start(service, Arc::new(context), mail(from));
    let to = driver.start_rcpt(rcpt("b@y"));
    driver.wait(to).await;
    driver.data();
    driver.send("\r\nhello\r\n".into()).await.unwrap();
    assert!(driver.finish().await.is_positive());
    let signals = script.only_received().signals;
    (reply, signals.find_durable().unwrap())
}

fn listed(list: &str, code: &str) -> Listed {
    Listed {
        list: list.into(),
        code: code.into(),
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_on_a_list_is_refused_and_what_is_no_answer_says_nothing() {
    let refused = "554 5.7.1 service refused, listed for sending unwanted mail";
    for (address, lists, unknown) in [
        ("192.0.2.1", vec![listed("bl.example", "127.0.0.4")], vec![]),
        ("192.0.2.2", vec![], vec!["bl.example".to_owned()]),
        ("192.0.2.3", vec![], vec![]),
        ("192.0.2.4", vec![], vec![]),
    ] {
        let is_refused = !lists.is_empty();
        let (reply, signal) = found(vec![client("bl.example")], at(address), "a@x").await;
        assert_eq!(
            reply.to_string() == refused,
            is_refused,
            "{address}: {reply}"
        );
        let score = i64::from(is_refused);
        let expected = Dnsbl {
            score,
            lists,
            unknown,
        };
        assert_eq!(signal, Some(expected), "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_have_codes_and_weights_and_some_speak_for_a_client() {
    let of = |codes: &str| client("bl.example").with_codes([codes.parse().unwrap()]);
    for (zones, score) in [
        (vec![of("127.0.0.10")], 1),
        (vec![of("127.0.0.8/29")], 1),
        (vec![of("127.0.0.2")], 0),
        (
            vec![
                of("127.0.0.10").with_weight(3),
                client("wl.example").with_weight(-2),
            ],
            1,
        ),
        (
            vec![client("bl.example"), client("wl.example").with_weight(-5)],
            -4,
        ),
        (
            vec![
                client("bl.example"),
                Zone::new("dbl.example", Subject::MailFrom).with_weight(2),
                Zone::new("dbl.example", Subject::Helo).with_weight(4),
            ],
            7,
        ),
    ] {
        let (reply, signal) = found(zones.clone(), at("192.0.2.1"), "a@Bad.example").await;
        assert_eq!(signal.unwrap().score, score, "{zones:?}");
        assert_eq!(reply == Reply::listed(), score >= 1, "{zones:?}");
    }
    // A list that refuses to answer lists nobody, whatever results count.
    let (reply, signal) = found(vec![of("127.0.0.0/8")], at("192.0.2.2"), "a@x").await;
    assert!(reply.is_positive(), "{reply}");
    assert_eq!(signal.unwrap().unknown, ["bl.example"]);
    let named = Zone::new("dbl.example", Subject::MailFrom).with_name("domains");
    let (_, signal) = found(vec![named], at("192.0.2.1"), "a@bad.example").await;
    assert_eq!(signal.unwrap().lists, [listed("domains", "127.0.1.2")]);
    let (_, signal) = found(
        vec![Zone::new("dbl.example", Subject::MailFrom)],
        at("192.0.2.1"),
        "",
    )
    .await;
    assert_eq!(signal, Some(Dnsbl::default()));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_hangs_is_waited_for_once_and_says_nothing() {
    let zones = vec![
        client("hung.example"),
        client("broken.example"),
        client("bl.example"),
    ];
    let begin = tokio::time::Instant::now();
    let layer = DnsblLayer::new(zones.clone(), Arc::new(resolver()));
    let (reply, _) = asked(layer.layer(Script::new()), at("192.0.2.1"), "a@x", &[]).await;
    assert_eq!(reply, Reply::listed());
    assert_eq!(begin.elapsed(), koukan_core::filter::dnsbl::TIME_MAX);
    let (_, signal) = found(zones, at("192.0.2.1"), "a@x").await;
    assert_eq!(signal.unwrap().unknown, ["hung.example", "broken.example"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_users() {
    let resolver = resolver();
    let layer = DnsblLayer::new([client("bl.example")], Arc::new(resolver.clone()));
    let mut user = at("192.0.2.1");
    user.identity = Some("alice".into());
    let (reply, _) = asked(layer.layer(Script::new()), user, "a@x", &[]).await;
    assert!(reply.is_positive());
    // A client over HTTP has no address.
    let outcome = send(
        layer.layer(Script::new()),
        mail("a@x"),
        [rcpt("b@y")],
        "\r\n",
    )
    .await;
    assert!(outcome.mail.is_positive());
    assert!(resolver.asked().is_empty());
}
