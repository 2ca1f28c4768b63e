//! Aliases from a file, in a running agent.

use std::fs;

use crate::{
    client::Client,
    collector::Collector,
    process::{Process, await_listeners, eventually, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The chains of the page's forwarding example, with these files and that destination.
fn forwarding(folder: &std::path::Path, sink: &Collector) -> String {
    let (_, section) = PAGE.split_once("### Forwarding").unwrap();
    let (_, rest) = section.split_once("```yaml\n").unwrap();
    let example = rest.split_once("```").unwrap().0;
    example
        .replace("/etc/koukan", &folder.display().to_string())
        .replace("mx.example.net:25", &sink.address.to_string())
}

#[test]
fn a_notification_finds_its_way_back_to_the_sender_of_a_forwarded_message() {
    let sink = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    fs::write(
        folder.join("aliases"),
        "away@example.com: bob@example.net\n",
    )
    .unwrap();
    fs::write(folder.join("srs"), "a secret of one's own\n").unwrap();
    let ingress = free_address();
    let chains = forwarding(folder, &sink);
    let text = format!(
        r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
smtp_listener: [{{ address: "{ingress}", sender: ingress }}]
notification: {{ sender: outgoing }}
{chains}
log: {{ level: error }}
"#,
        folder.display(),
    );
    let _process = Process::start_agent(&directory, &text);
    await_listeners([ingress]);
    let mut client = Client::connect(ingress).unwrap();
    client
        .send("alice@example.org", &["away@example.com"], MESSAGE)
        .unwrap();
    sink.only_message("bob@example.net");
    let from = sink.reverse_path("bob@example.net");
    assert!(
        from.starts_with("SRS0=") && from.ends_with("=example.org=alice@srs.example.com"),
        "{from}"
    );
    // Addresses of its own users stay unchanged.
    client
        .send("carol@example.com", &["dave@example.com"], MESSAGE)
        .unwrap();
    sink.only_message("dave@example.com");
    assert_eq!(sink.reverse_path("dave@example.com"), "carol@example.com");
    let forged = from.replace("alice", "eve");
    let sent = client
        .send("", &[&from, &forged, "other@srs.example.com"], MESSAGE)
        .unwrap();
    let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, ["250", "550", "550"]);
    sink.only_message("alice@example.org");
    assert_eq!(sink.reverse_path("alice@example.org"), "");
}

/// The aliases on the page.
fn table() -> &'static str {
    let (_, section) = PAGE.split_once("### Aliases").unwrap();
    let (_, rest) = section.split_once("```text\n").unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_aliases_of_the_page_are_expanded_and_follow_their_file() {
    let sink = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    let ingress = free_address();
    let (_, section) = PAGE.split_once("### Aliases").unwrap();
    let (_, rest) = section.split_once("```yaml\n").unwrap();
    let chain = rest.split_once("```").unwrap().0;
    let file = directory.path().join("aliases");
    fs::write(&file, table()).unwrap();
    let chain = chain.replace("/etc/koukan/aliases", &file.display().to_string());
    let text = format!(
        r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
smtp_listener: [{{ address: "{ingress}", sender: ingress }}]
notification: {{ sender: outgoing }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
{chain}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{}"] }} }}
log: {{ level: error }}
"#,
        directory.path().display(),
        sink.address,
    );
    let _process = Process::start_agent(&directory, &text);
    await_listeners([ingress]);
    let mut client = Client::connect(ingress).unwrap();
    let to = [
        "Sales+x@example.com",
        "whoever@example.org",
        "zoe@example.com",
        "no@example.net",
    ];
    let sent = client.send("a@example.org", &to, MESSAGE).unwrap();
    let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, ["250", "250", "250", "550"]);
    let counts = [
        ("ann@example.com", 1),
        ("bob@example.com", 1),
        ("archive@example.net", 1),
        ("eve@example.net", 1),
        ("zoe@example.com", 1),
        ("Sales+x@example.com", 0),
    ];
    for (to, count) in counts {
        assert_eq!(sink.messages(to).len(), count, "{to}");
    }
    assert!(
        sink.asked("eve@example.net")
            .contains("ORCPT=rfc822;Sales+2Bx@example.com")
    );
    fs::write(&file, "zoe@example.com: new@example.com\n").unwrap();
    eventually(std::time::Duration::from_secs(60), || {
        let mut client = Client::connect(ingress).unwrap();
        client
            .send("a@example.org", &["zoe@example.com"], MESSAGE)
            .unwrap();
        !sink.messages("new@example.com").is_empty()
    });
}
