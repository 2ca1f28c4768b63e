//! Mail from hosts and applications, which is signed and sent to the world.

use std::{fs, process::Command};

use crate::{
    client::Client,
    collector::{Collector, without_trace},
    peers::run,
    process::await_listener,
};

use super::Example;

const FILE: &str = include_str!("../../../../config/examples/relay.yaml");
const MESSAGE: &str = "From: Alice <alice@example.com>\r\nSubject: hi\r\n\r\nhello\r\n";

#[test]
fn hosts_and_applications_hand_in_mail_that_is_signed() {
    let sink = Collector::start();
    let mut relay = Example::new();
    let key = relay.path("relay.pem");
    let mut make = Command::new(env!("CARGO_BIN_EXE_koukan"));
    make.args(["dkim-key", "--domain", "example.com", "--selector", "relay"]);
    run(make.arg(key));
    // One server stands for the world.
    let world = format!("static_hosts: [\"{}\"]", sink.address);
    relay.start(FILE, &[("dest_domain: { mx: true }", world)]);
    await_listener(relay.rest);

    let mut host = Client::connect(relay.smtp).unwrap();
    let sent = host.send("alice@example.com", &["bob@example.org"], MESSAGE);
    assert!(sent.unwrap().is_accepted());
    let mut forger = Client::connect(relay.smtp).unwrap();
    let reply = forger.command("MAIL FROM:<eve@example.net>").unwrap();
    assert!(reply.starts_with("550 5.7.1"), "{reply}");

    let token = relay.path("token");
    fs::write(&token, "a-token-for-trying-things").unwrap();
    let send = |to: &str, with_token: bool| {
        let mut send = Command::new(env!("CARGO_BIN_EXE_koukan"));
        send.args(["send", "--server", &format!("http://{}", relay.rest)])
            .args(["--sender", "applications", "--from", "alice@example.com"])
            .args(["--subject", "a report", "--text", "hello"]);
        if with_token {
            send.arg("--token-file").arg(&token);
        }
        send.arg(to);
        send
    };
    run(&mut send("carol@example.org", true));
    let refused = send("dora@example.org", false).output().unwrap();
    assert!(!refused.status.success(), "{refused:?}");
    for to in ["bob@example.org", "carol@example.org"] {
        let message = sink.only_message(to);
        let signed = without_trace(&message);
        assert!(signed.starts_with("DKIM-Signature: "), "{message}");
        assert!(signed.contains("d=example.com"), "{message}");
    }
    assert!(sink.messages("dora@example.org").is_empty());
}
