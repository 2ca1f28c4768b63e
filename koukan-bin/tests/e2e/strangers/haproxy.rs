//! haproxy in front of an agent that does the TLS itself.

use std::{fs, net::Ipv4Addr};

use super::site::{Agent, PASSWORD, Site, USER};
use crate::{
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, free_address},
};

/// Sends from one address of this host, with STARTTLS and AUTH.
const SCRIPT: &str = r#"
import smtplib, ssl, sys
port, source, ca, user, password, to = sys.argv[1:]
with smtplib.SMTP("localhost", int(port), source_address=(source, 0)) as client:
    client.starttls(context=ssl.create_default_context(cafile=ca))
    client.login(user, password)
    refused = client.sendmail("alice@example.org", [to], b"Subject: hi\r\n\r\nhello\r\n")
    assert refused == {}, refused
"#;

#[test]
fn the_client_behind_haproxy_is_known() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    let fronts = [free_address(), free_address()];
    let mut text =
        "defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n"
            .to_owned();
    for (front, proxy) in fronts.iter().zip(["send-proxy", "send-proxy-v2"]) {
        let (name, behind) = (front.port(), agent.proxied);
        text += &format!("listen l{name}\n bind {front}\n server agent {behind} {proxy}\n");
    }
    let file = site.path("haproxy.cfg");
    fs::write(&file, text).unwrap();
    let _haproxy = Process::start(peer("haproxy").args(["-q", "-db", "-f"]).arg(&file));
    for (number, front) in (7..).zip(fronts) {
        await_listener(front);
        let (source, to) = (
            Ipv4Addr::new(127, 0, 0, number).to_string(),
            format!("{number}@example.com"),
        );
        let port = front.port().to_string();
        let arguments = [&port, &source, &site.shown("ca.pem"), USER, PASSWORD, &to];
        run(peer("python3").args(["-c", SCRIPT]).args(arguments));
        let message = sink.only_message(&to);
        let trace = message.lines().take(3).collect::<String>();
        assert!(trace.contains(&format!("([{source}])")), "{message}");
        assert!(trace.contains("with ESMTPSA"), "{message}");
    }
}
