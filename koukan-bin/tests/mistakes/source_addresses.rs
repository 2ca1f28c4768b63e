//! The addresses from which the agent connects to hosts.

use super::*;

/// The local configuration, with these addresses in its last endpoint.
fn of_endpoint(host: &str, sources: &str) -> String {
    let smtp = format!("smtp: {{ {host}source_address: {sources} }}");
    let at = LOCAL.rfind("smtp: {}").unwrap();
    let (before, after) = LOCAL.split_at(at);
    before.to_owned() + &after.replacen("smtp: {}", &smtp, 1)
}

/// The same with these addresses for a host, or for a domain.
fn of_destination(which: &str, sources: &str) -> String {
    format!("{LOCAL}\ndestination:\n  - {{ {which}, source_address: {sources} }}\n")
}

#[test]
fn addresses_of_this_machine_are_right() {
    for text in [
        of_endpoint("", "[\"127.0.0.1\"]"),
        of_destination("host: \"mx.example:25\"", "[\"127.0.0.2\"]"),
    ] {
        let warnings = check(&text).unwrap().to_string();
        assert!(!warnings.contains("127.0.0."), "{warnings}");
        assert!(!warnings.contains("mx.example"), "{warnings}");
    }
}

#[test]
fn one_of_another_machine_is_told_of_where_it_stands() {
    for text in [
        of_endpoint("", "[\"192.0.2.1\"]"),
        of_destination("host: \"mx.example:25\"", "[\"192.0.2.1\"]"),
    ] {
        let warnings = check(&text).unwrap().to_string();
        let place = format!("k.yaml:{}:", line_of(&text, "192.0.2.1"));
        assert!(warnings.contains(&place), "{warnings}");
        assert!(
            warnings.contains("`192.0.2.1` is no address of this machine"),
            "{warnings}"
        );
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let (unix, host) = (
        "host: [\"unix:/run/l\"], lmtp: true, ",
        "host: \"mx.example:25\"",
    );
    for (text, told) in [
        (of_endpoint("", "[\"0.0.0.0\"]"), "from `0.0.0.0`"),
        (of_endpoint("", "[\"224.0.0.1\"]"), "from `224.0.0.1`"),
        (of_endpoint("", "[\"mx.example\"]"), "IP address"),
        (
            of_endpoint("", "[\"127.0.0.1\", \"127.0.0.2\"]"),
            "are both of IPv4",
        ),
        (
            of_endpoint(unix, "[\"127.0.0.1\"]"),
            "leave `source_address` out",
        ),
        (
            of_destination(host, "[\"::1\", \"fe80::1\"]"),
            "are both of IPv6",
        ),
        (
            of_destination("host: \"unix:/run/l\"", "[\"127.0.0.1\"]"),
            "leave `source_address` out",
        ),
        (
            of_destination("domain: example.com", "[\"127.0.0.1\"]"),
            "not the domain `example.com`",
        ),
    ] {
        let error = check(&text).unwrap_err();
        assert!(error.contains(told), "{told} is not in\n{error}");
    }
}
