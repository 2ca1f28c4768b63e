//! haproxy and Envoy in front of an agent that handles TLS itself.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::site::{Agent, PASSWORD, Site, USER};
use crate::{
    collector::Collector,
    peers::{installed, peer, run},
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
    known_behind(fronts, &site, &sink);
}

#[test]
fn the_client_behind_envoy_is_known() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    let fronts = [free_address(), free_address()];
    let ways = fronts.iter().zip(["V1", "V2"]);
    let listeners: Vec<_> = ways
        .clone()
        .map(|(front, name)| listener(*front, name))
        .collect();
    let clusters: Vec<_> = ways
        .map(|(_, version)| cluster(agent.proxied, version))
        .collect();
    let config = json!({"static_resources": {"listeners": listeners, "clusters": clusters}});
    let file = site.path("envoy.json");
    fs::write(&file, config.to_string()).unwrap();
    let mut envoy = Command::new(installed("envoy/envoy/_bin/envoy"));
    envoy.args([
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "error",
        "-c",
    ]);
    let _envoy = Process::start(envoy.arg(&file).stderr(Stdio::null()));
    known_behind(fronts, &site, &sink);
}

/// Envoy listens on that address, and passes connections to the cluster of that name.
fn listener(address: SocketAddr, cluster: &str) -> Value {
    let proxy = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": cluster,
        "cluster": cluster,
    });
    let filter = json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy});
    json!({"address": socket(address), "filter_chains": [{"filters": [filter]}]})
}

/// Envoy connects to that address, and names its client by that version of the PROXY protocol,
/// which is also the name of the cluster.
fn cluster(address: SocketAddr, version: &str) -> Value {
    let raw = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
    let proxied = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        "config": {"version": version},
        "transport_socket": {
            "name": "envoy.transport_sockets.raw_buffer",
            "typed_config": {"@type": raw},
        },
    });
    let endpoint = json!({"endpoint": {"address": socket(address)}});
    json!({
        "name": version,
        "type": "STATIC",
        "connect_timeout": "10s",
        "load_assignment": {
            "cluster_name": version,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.upstream_proxy_protocol",
            "typed_config": proxied,
        },
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

/// The agent knows the addresses of clients that connect to the proxy, over TLS that begins at the
/// agent.
fn known_behind(fronts: [SocketAddr; 2], site: &Site, sink: &Collector) {
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
