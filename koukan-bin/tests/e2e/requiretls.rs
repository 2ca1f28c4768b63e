//! REQUIRETLS through two agents: the parameter goes with the message as far as it has to (RFC 8689).

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listeners, free_address},
    tls::Files,
};

const SCRIPT: &str = r#"
import smtplib, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
with smtplib.SMTP("localhost", port) as client:
    client.ehlo()
    assert not client.has_extn("requiretls")
    client.starttls(context=ssl.create_default_context(cafile=ca))
    client.ehlo()
    assert client.has_extn("requiretls")
    def send(to, *options):
        message = b"Subject: hi\r\n\r\nhello\r\n"
        return client.sendmail("c@example.org", [to], message, mail_options=options)
    # The second agent hands that on to a host without TLS.
    assert send("clear@plain.example") == {}
    for number in range(2):
        try:
            send("secret@plain.example", "REQUIRETLS")
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = refused.recipients["secret@plain.example"]
            assert code == 550 and text.startswith(b"5.7."), (code, text)
        except smtplib.SMTPDataError as error:
            assert error.smtp_code == 550 and error.smtp_error.startswith(b"5.7."), error
        else:
            raise SystemExit("it went on in clear")
        client.rset()
    # And that to where mailboxes are, which is the end of the way.
    assert send("secret@mailbox.example", "REQUIRETLS") == {}
"#;

/// Starts an agent with these listeners and chains.
fn agent(listeners: &str, chains: &str, addresses: [SocketAddr; 1]) -> (Process, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let config = format!(
        r#"
hostname: localhost
storage: memory
notification: {{ sender: outgoing }}
smtp_listener: [{{ {listeners} }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
  - {{ name: mailboxes, chain: mailboxes }}
chain:
{chains}
log: {{ level: error }}
"#
    );
    let process = Process::start_agent(&directory, &config);
    await_listeners(addresses);
    (process, directory)
}

/// A chain that ends in hosts.
fn chain(name: &str, smtp: &str) -> String {
    format!("  - {{ name: {name}, endpoint: {{ smtp: {{ {smtp} }} }} }}\n")
}

#[test]
fn what_needs_tls_goes_through_two_agents_and_no_further_without_it() {
    let (files, sink) = (Files::new(), Collector::start());
    let [first, second, mailboxes] = [(); 3].map(|()| free_address());
    let nowhere = chain("mailboxes", "host: [\"localhost:9\"]");
    let exploder = |domains: &str| {
        format!(
            "  - name: ingress\n    filter: [received_header]\n    endpoint: {{ exploder: {{ policy: \
             ingress, sender: outgoing{domains} }} }}\n"
        )
    };
    let to_sink = chain("outgoing", &format!("host: [\"{}\"]", sink.address));
    let _mailboxes = agent(
        &format!("address: \"{mailboxes}\", sender: ingress, lmtp: true"),
        &[exploder(""), to_sink.clone(), nowhere.clone()].concat(),
        [mailboxes],
    );
    let by_lmtp = format!("host: [\"{mailboxes}\"], lmtp: true, tls: never");
    let by_domain = ", domain: { mailbox.example: mailboxes }";
    let _second = agent(
        &format!("address: \"{second}\", sender: ingress, {}", files.tls()),
        &[exploder(by_domain), to_sink, chain("mailboxes", &by_lmtp)].concat(),
        [second],
    );
    let (port, ca) = (second.port(), files.shown("ca.pem"));
    let over_tls = format!("host: [\"localhost:{port}\"], tls: verified, ca_file: \"{ca}\"");
    let _first = agent(
        &format!("address: \"{first}\", sender: ingress, {}", files.tls()),
        &[exploder(""), chain("outgoing", &over_tls), nowhere].concat(),
        [first],
    );
    run(peer("python3").args(["-c", SCRIPT, &first.port().to_string(), &ca]));
    assert_eq!(sink.count(), 2);
    sink.only_message("clear@plain.example");
    let message = sink.only_message("secret@mailbox.example");
    // Both agents received it over TLS, and the mailboxes by LMTP.
    assert_eq!(message.matches(" with ESMTPS").count(), 2, "{message}");
    assert!(message.contains(" with LMTP"), "{message}");
}
