//! Mail among an agent's own users, in a running agent.

use std::{fs, time::Duration};

use crate::{
    client::Client,
    collector::Collector,
    process::{Process, await_listeners, eventually, free_address},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const PAGE: &str = include_str!("../../../docs/configuration.md");

#[test]
fn what_users_send_each_other_passes_the_chain_of_their_domain() {
    let (_, section) = PAGE.split_once("<!-- hand_over -->").unwrap();
    let (_, rest) = section.split_once("```yaml\n").unwrap();
    let chains = rest.split_once("```").unwrap().0;
    let (remote, submission) = (Collector::start(), free_address());
    let mailboxes = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("aliases");
    fs::write(
        &file,
        "team@example.com: ann@example.com, carol@example.net\n",
    )
    .unwrap();
    let replaced = [
        (
            "dest_domain: { mx: true }",
            format!("static_hosts: [\"{}\"]", remote.address),
        ),
        ("/etc/koukan/aliases", file.display().to_string()),
        ("mailboxes.example.com:25", mailboxes.address.to_string()),
    ];
    let chains = replaced
        .iter()
        .fold(chains.to_owned(), |chains, (from, to)| {
            assert!(chains.contains(from));
            chains.replace(from, to)
        });
    let text = format!(
        r#"
hostname: mx.example.com
storage: {{ sqlite: "{}/queue.sqlite" }}
smtp_listener: [{{ address: "{submission}", sender: submission }}]
notification: {{ sender: outgoing }}
{chains}
log: {{ level: error }}
"#,
        directory.path().display(),
    );
    let _agent = Process::start_agent(&directory, &text);
    await_listeners([submission]);
    let mut client = Client::connect(submission).unwrap();
    let to = [
        "bob@example.com",
        "nobody@example.com",
        "dave@example.org",
        "team@example.com",
    ];
    let sent = client.send("ann@example.com", &to, MESSAGE).unwrap();
    let codes: Vec<_> = sent.rcpts.iter().map(|reply| &reply[..9]).collect();
    assert_eq!(
        codes,
        ["250 2.1.5", "550 5.7.1", "250 2.1.5", "250 2.1.5"],
        "{sent:?}"
    );
    assert!(sent.message.is_some_and(|reply| reply.starts_with("250")));
    eventually(Duration::from_secs(30), || {
        mailboxes.count() == 3 && remote.count() == 1
    });
    for (sink, to, count) in [
        (&mailboxes, "bob@example.com", 2),
        (&mailboxes, "ann@example.com", 2),
        (&mailboxes, "carol@example.net", 2),
        (&remote, "dave@example.org", 1),
    ] {
        let message = sink.only_message(to);
        assert_eq!(message.matches("Received:").count(), count, "{message}");
        // Only one field names the client: that of the host which it connected to.
        assert_eq!(message.matches("127.0.0.1").count(), 1, "{message}");
        assert!(message.ends_with(MESSAGE), "{message}");
        assert_eq!(sink.reverse_path(to), "ann@example.com");
    }
}
