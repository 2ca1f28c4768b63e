//! The results of a scanner of TLS servers.

use super::site::{Agent, Site};
use crate::{collector::Collector, peers::python_peer};

/// What it prints about a server without faults.
const GOOD: [&str; 9] = [
    "Forward Secrecy OK - Supported",
    "Legacy RC4 Algorithm OK - Not Supported",
    "Deflate Compression: OK - Compression disabled",
    "OK - Not vulnerable to OpenSSL CCS injection",
    "TLS_FALLBACK_SCSV: OK - Supported",
    "OK - Not vulnerable to Heartbleed",
    "ROBOT Attack: OK - Not vulnerable",
    "Client Renegotiation DoS Attack: OK - Not vulnerable",
    "Secure Renegotiation: OK - Supported",
];

/// Versions of the protocol that must not be accepted.
const OLD: [&str; 4] = ["SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"];

#[test]
fn sslyze_finds_nothing_below_good() {
    let (site, sink) = (Site::new(), Collector::start());
    let agent = Agent::start(&site, &format!("host: [\"{}\"]", sink.address));
    for (starttls, address) in [
        (&["--starttls", "smtp"][..], agent.users),
        (&[], agent.immediate),
    ] {
        let mut command = python_peer("sslyze");
        command
            .args(starttls)
            .args(["--mozilla_config", "intermediate"])
            .arg(format!("localhost:{}", address.port()));
        // The scan fails if anything is not as recommended, and the test's own authority is not.
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let words: Vec<_> = said.split_whitespace().collect();
        let text = words.join(" ");
        for good in GOOD {
            assert!(text.contains(good), "{good}:\n{said}");
        }
        for old in OLD {
            let refused = format!("* {old} Cipher Suites: Attempted to connect using");
            let at = text
                .find(&refused)
                .unwrap_or_else(|| panic!("{old}:\n{said}"));
            let rest = &text[at + refused.len()..];
            let end = rest.find(" * ").unwrap_or(rest.len());
            assert!(
                rest[..end].contains("the server rejected all cipher suites"),
                "{old}:\n{said}"
            );
        }
        let (_, judged) = said
            .split_once("COMPLIANCE AGAINST TLS CONFIGURATION")
            .unwrap_or_else(|| panic!("{said}"));
        let objections = judged
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("* "));
        for objection in objections {
            let is_of_the_authority = [
                "* certificate_path_validation",
                "* maximum_certificate_lifespan",
            ]
            .iter()
            .any(|of| objection.starts_with(of));
            assert!(is_of_the_authority, "{said}");
        }
    }
}
