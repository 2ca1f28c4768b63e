//! Postfix is asked for recipients before they are accepted.

use super::postfix::Postfix;
use crate::{
    client::Client,
    collector::Collector,
    process::{Process, await_listeners, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const PAGE: &str = include_str!("../../../../docs/configuration.md");

#[test]
fn postfix_is_asked_for_recipients_as_the_page_says() {
    let (_, section) = PAGE.split_once("<!-- recipient_verification -->").unwrap();
    let (_, rest) = section.split_once("```yaml\n").unwrap();
    let chains = rest.split_once("```").unwrap().0;
    let sink = Collector::start();
    let known = ["bob@example.com", "dave@example.com"];
    let postfix = Postfix::mailboxes(sink.address, "example.com", &known);
    let (directory, ingress) = (tempfile::tempdir().unwrap(), free_address());
    let chains = chains.replace("mailboxes.example.com:25", &postfix.address.to_string());
    let text = format!(
        r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
smtp_listener: [{{ address: "{ingress}", sender: ingress }}]
notification: {{ sender: outgoing }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
{chains}
log: {{ level: error }}
"#,
        directory.path().display(),
    );
    let _agent = Process::start_agent(&directory, &text);
    await_listeners([ingress]);
    let replies = |to: &[&str]| {
        let mut client = Client::connect(ingress).unwrap();
        client.send("a@example.org", to, MESSAGE).unwrap()
    };
    // Answers about guessed addresses are remembered.
    for _ in 0..2 {
        let sent = replies(&["bob@example.com", "eve@example.com", "bob@example.net"]);
        let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..9]).collect();
        assert_eq!(codes, ["250 2.1.5", "550 5.1.1", "550 5.7.1"], "{sent:?}");
        let told = &sent.rcpts[1];
        assert!(told.contains("User unknown"), "{told}");
        assert!(
            sent.message
                .as_ref()
                .is_some_and(|reply| reply.starts_with("250"))
        );
    }
    crate::process::eventually(std::time::Duration::from_secs(30), || {
        sink.messages("bob@example.com").len() == 2
    });
    postfix.await_line(&["reject: RCPT", "<eve@example.com>", "from=<>"]);
    assert_eq!(postfix.lines(&["reject: RCPT", "<eve@example.com>"]), 1);
    drop(postfix);
    // Postfix has stopped, but its answers still hold.
    let sent = replies(&["eve@example.com", "bob@example.com", "zoe@example.com"]);
    let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..1]).collect();
    assert_eq!(codes, ["5", "4", "4"], "{sent:?}");
}
