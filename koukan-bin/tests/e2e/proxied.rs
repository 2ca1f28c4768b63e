//! A listener behind a load balancer; swaks plays the load balancer.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    client::Client,
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, free_address},
};

/// An agent that takes connections from this host for those of a load balancer.
struct Agent {
    ingress: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Agent {
    fn start(sink: SocketAddr) -> Self {
        Self::start_with(sink, "proxy_networks")
    }

    /// Starts one that writes this host's network like this.
    fn start_with(sink: SocketAddr, networks: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ingress = free_address();
        let text = format!(
            r#"
hostname: mx.example.com
storage: memory
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "{ingress}", sender: ingress, NETWORKS: ["127.0.0.0/8"] }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#
        );
        let text = text.replace("NETWORKS", networks);
        let process = Process::start_agent(&directory, &text);
        await_listener(ingress);
        Self {
            ingress,
            _process: process,
            _directory: directory,
        }
    }
}

#[test]
fn the_client_is_who_the_load_balancer_names() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let server = agent.ingress.to_string();
    for (to, source, version) in [
        ("a@example.com", "192.0.2.7", ["1", "TCP4"]),
        ("b@example.com", "2001:db8::7", ["1", "TCP6"]),
        ("c@example.com", "192.0.2.8", ["2", "AF_INET"]),
        ("d@example.com", "2001:db8::8", ["2", "AF_INET6"]),
    ] {
        let [version, family] = version;
        let dest = if source.contains(':') {
            "2001:db8::1"
        } else {
            "192.0.2.1"
        };
        run(peer("swaks")
            .args(["--to", to, "--from", "x@example.org", "--server", &server])
            .args(["--proxy-version", version, "--proxy-family", family])
            .args(["--proxy-source", source, "--proxy-source-port", "51234"])
            .args(["--proxy-dest", dest, "--proxy-dest-port", "25"]));
        let got = sink.only_message(to);
        let trace = got.lines().next().unwrap();
        assert!(
            trace.starts_with("Received: from ") && trace.contains(source),
            "{got}"
        );
    }
    let direct = Client::connect(agent.ingress);
    assert!(
        direct.is_err(),
        "it is a load balancer, and has to say for whom"
    );
}

#[test]
fn swaks_says_by_xclient_for_whom_it_is_here() {
    let sink = Collector::start();
    let agent = Agent::start_with(sink.address, "xclient_networks");
    let server = agent.ingress.to_string();
    for (to, address, shown) in [
        ("a@example.com", "192.0.2.7", "[192.0.2.7]"),
        ("b@example.com", "IPV6:2001:db8::7", "[IPv6:2001:db8::7]"),
    ] {
        let printed = run(peer("swaks")
            .args(["--to", to, "--from", "c@example.org", "--server", &server])
            .args([
                "--xclient-addr",
                address,
                "--xclient-name",
                "client.example",
            ])
            .args(["--xclient-helo", "said.example", "--xclient-proto", "ESMTP"])
            .args(["--xclient-login", "alice", "--helo", "proxy.example"]));
        assert!(
            printed.contains("220 mx.example.com ESMTP Koukan"),
            "{printed}"
        );
        let message = sink.only_message(to);
        // The name is that of the later EHLO.
        let from = format!("Received: from proxy.example ({shown})");
        assert!(message.starts_with(&from), "{message:.300}");
        assert!(message.contains("with ESMTPA"), "{message:.300}");
    }
}
