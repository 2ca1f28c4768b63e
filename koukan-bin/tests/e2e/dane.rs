//! DANE: mail goes to hosts whose certificates a signed zone names, which unbound serves.

use std::{fs, net::SocketAddr};

use koukan_core::test_util::Pem;
use tempfile::TempDir;

use crate::{
    client::Client,
    collector::Collector,
    peers::{peer, run},
    process::{Process, await_listener, free_address},
    tls::{Agent, Files},
};

/// `HASH` is the hash of the host's own key, and `PORT` the port.
const ZONE: &str = "
$ORIGIN dane.example.
$TTL 60
@           IN SOA ns hostmaster 1 3600 600 86400 60
@           IN NS ns
ns          IN A 127.0.0.1
right       IN MX 10 mx-right
mx-right    IN A 127.0.0.1
_PORT._tcp.mx-right IN TLSA 3 1 1 HASH
; It has no MX record: that is proved as well.
alone       IN A 127.0.0.1
_PORT._tcp.alone IN TLSA 3 1 1 HASH
wrong       IN MX 10 mx-wrong
mx-wrong    IN A 127.0.0.1
_PORT._tcp.mx-wrong IN TLSA 3 1 1 OTHER
alias       IN MX 10 mx-alias
mx-alias    IN CNAME mx-wrong
none        IN MX 10 mx-none
mx-none     IN A 127.0.0.1
forged      IN MX 10 mx-forged
mx-forged   IN A 127.0.0.1
_PORT._tcp.mx-forged IN TLSA 3 1 1 OTHER
hidden      IN MX 10 mx-hidden
mx-hidden   IN A 127.0.0.1
_PORT._tcp.mx-hidden IN TLSA 3 1 1 OTHER
";

/// A DNS server with a signed zone.
struct Zone {
    address: SocketAddr,
    /// The file with the zone's key.
    key: String,
    _process: Process,
    _directory: TempDir,
}

impl Zone {
    /// Signs a zone, changes the signed zone by `change`, and serves it.
    fn serve(text: &str, change: impl FnOnce(String) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        let path = |name: &str| place.join(name).display().to_string();
        fs::write(path("zone"), text).unwrap();
        let name = run(peer("ldns-keygen").current_dir(place).args([
            "-a",
            "ECDSAP256SHA256",
            "-k",
            "dane.example",
        ]));
        let name = name.trim();
        run(peer("ldns-signzone").current_dir(place).args([
            "-e",
            "20400101000000",
            "-o",
            "dane.example",
            "zone",
            name,
        ]));
        let signed = fs::read_to_string(path("zone.signed")).unwrap();
        fs::write(path("zone.signed"), change(signed)).unwrap();
        let address = free_address();
        let config = format!(
            r#"
server:
  interface: {}@{}
  verbosity: 0
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  directory: "{shown}"
  pidfile: ""
  module-config: "iterator"
  do-ip6: no
  access-control: 127.0.0.0/8 allow
remote-control:
  control-enable: no
auth-zone:
  name: dane.example.
  zonefile: {shown}/zone.signed
  for-downstream: yes
  for-upstream: yes
  fallback-enabled: no
"#,
            address.ip(),
            address.port(),
            shown = place.display(),
        );
        fs::write(path("unbound.conf"), config).unwrap();
        let process = Process::start(peer("unbound").args(["-d", "-c", &path("unbound.conf")]));
        await_listener(address);
        Self {
            address,
            key: path(&format!("{name}.key")),
            _process: process,
            _directory: directory,
        }
    }
}

/// An agent that sends to the mail hosts of domains, on that port.
fn sender(directory: &TempDir, zone: &Zone, port: u16) -> (SocketAddr, Process) {
    let address = free_address();
    let config = format!(
        r#"
hostname: sender.example
storage: memory
resolver: {{ server: ["{dns}"], dnssec: true, trust_anchor: "{key}" }}
notification: {{ sender: outgoing }}
smtp_listener: [{{ address: "{address}", sender: ingress }}]
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    endpoint: {{ exploder: {{ policy: ingress, sender: outgoing }} }}
  - name: outgoing
    filter: [router: {{ rules: [dest_domain: {{ port: {port}, mx: true }}] }}]
    endpoint: {{ smtp: {{ dane: true, allow_networks: [127.0.0.0/8] }} }}
log: {{ level: error }}
"#,
        dns = zone.address,
        key = zone.key,
    );
    let process = Process::start_agent(directory, &config);
    await_listener(address);
    (address, process)
}

#[test]
fn a_signed_zone_says_whose_certificates_are_taken() {
    let (files, sink) = (Files::new(), Collector::start());
    let host = Agent::start(&files, sink.address);
    let read = |name: &str| fs::read_to_string(files.shown(name)).unwrap();
    let own = Pem {
        certificate: read("mx.pem"),
        key: read("mx.key"),
    };
    let hash = own.tlsa([3, 1, 1]).data;
    let hash: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
    let port = host.offered.port();
    let text = ZONE
        .replace("PORT", &port.to_string())
        .replace("HASH", &hash)
        .replace("OTHER", &"0".repeat(64));
    let zone = Zone::serve(&text, |signed| {
        let lines = signed.lines().filter_map(|line| {
            let is_of = |name: &str, kind: &str| {
                line.contains(name) && line.contains(&format!("\tIN\t{kind}\t"))
            };
            // An attacker puts a host of his own in the place of one, and removes the records of
            // another.
            match (is_of("mx-forged", "A"), is_of("_tcp.mx-hidden", "TLSA")) {
                (true, _) => Some(line.replace("127.0.0.1", "127.0.0.9")),
                (_, true) => None,
                _ => Some(line.to_owned()),
            }
        });
        lines.map(|line| line + "\n").collect()
    });
    let directory = tempfile::tempdir().unwrap();
    let (address, _process) = sender(&directory, &zone, port);
    for (domain, expected) in [
        ("right", "250 2."),
        ("alone", "250 2."),
        ("none", "250 2."),
        ("wrong", "451 4.7.5 "),
        ("alias", "451 4.7.5 "),
        ("forged", "451 4.4.3 "),
        ("hidden", "451 4.4.3 "),
    ] {
        let to = format!("b@{domain}.dane.example");
        let mut client = Client::connect(address).unwrap();
        let sent = client.send("a@example.org", &[&to], "a: b\r\n\r\nhi\r\n");
        let sent = sent.unwrap();
        let last = sent.message.as_ref().or(sent.rcpts.last()).unwrap();
        assert!(last.starts_with(expected), "{domain}: {sent:?}");
        let taken = usize::from(expected.starts_with("250"));
        assert_eq!(sink.messages(&to).len(), taken, "{domain}");
    }
}
