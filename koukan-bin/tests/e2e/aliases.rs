//! Aliases from a file, in a running agent.

use std::fs;

use crate::{
    client::Client,
    collector::Collector,
    process::{Process, await_listener, eventually, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The aliases of the page.
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
    await_listener(ingress);
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
        ("ann@example.com", 2),
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
