//! swaks, which sends a whole envelope before it reads the replies.

use super::site::{Agent, PASSWORD, Site, USER};
use crate::{
    collector::Collector,
    peers::{peer, run},
};

/// The places of these words in the output, one after another.
fn in_order(printed: &str, words: &[&str]) {
    let mut rest = printed;
    for word in words {
        let Some(at) = rest.find(word) else {
            panic!("{word:?} is not there, or too early:\n{printed}");
        };
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn swaks_sends_the_envelope_at_once_and_each_recipient_has_its_reply() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    let to = |name: &str| format!("{name}a@example.com,550@example.com,{name}b@example.com");
    let secure: &[&str] = &[
        "--tls",
        "--auth",
        "PLAIN",
        "--auth-user",
        USER,
        "--auth-password",
        PASSWORD,
    ];
    for (name, address, more) in [("clear", agent.open, &[][..]), ("tls", agent.users, secure)] {
        let printed = run(peer("swaks")
            .args(["--pipeline", "--from", "alice@example.org"])
            .args(["--to", &to(name)])
            .args(["--server", "127.0.0.1", "--port"])
            .arg(address.port().to_string())
            .args(more));
        in_order(
            &printed,
            &[
                "MAIL FROM:<alice@example.org>",
                &format!("RCPT TO:<{name}a@example.com>"),
                "RCPT TO:<550@example.com>",
                &format!("RCPT TO:<{name}b@example.com>"),
                " DATA",
                " 250 2.1.0 ",
                " 250 2.1.5 ",
                " 550 5.",
                " 250 2.1.5 ",
                " 354 ",
                " 250 2.6.0 ",
                " 221 2.0.0 ",
            ],
        );
        for name in [format!("{name}a"), format!("{name}b")] {
            sink.only_message(&format!("{name}@example.com"));
        }
    }
    // All recipients are refused. Then DATA is refused as well, and no message is sent.
    let output = peer("swaks")
        .args(["--pipeline", "--from", "alice@example.org"])
        .args(["--to", "550@example.com,553@example.com"])
        .args(["--server", "127.0.0.1", "--port"])
        .arg(agent.open.port().to_string())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{printed}");
    in_order(&printed, &[" DATA", " 250 2.1.0 ", " 550 5.", " 553 5."]);
    assert_eq!(sink.count(), 4);
}
