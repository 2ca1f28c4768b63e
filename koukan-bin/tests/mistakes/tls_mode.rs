//! When TLS begins with servers.

use super::*;

/// The last two keys of a chain.
const ROUTED: &str = "      - router:\n          rules:\n            - static_hosts: \
    [\"127.0.0.1:3025\"]\n    endpoint:\n      smtp: {}\n";

/// The local configuration with a chain that names its hosts in its endpoint, and with further lines.
fn named(smtp: &str, more: &str) -> String {
    changed(
        ROUTED,
        &format!("    endpoint:\n      smtp: {{ {smtp} }}\n"),
    ) + more
}

/// The same with a chain whose router finds the hosts.
fn routed(rule: &str, smtp: &str) -> String {
    let router = format!("      - router:\n          rules:\n            - {rule}\n");
    changed(
        ROUTED,
        &format!("{router}    endpoint:\n      smtp: {{ {smtp} }}\n"),
    )
}

fn rules(rules: &[&str]) -> String {
    let rules: String = rules
        .iter()
        .map(|rule| format!("  - {{ {rule} }}\n"))
        .collect();
    format!("destination:\n{rules}")
}

#[track_caller]
fn is_fine(text: &str) {
    assert_eq!(check(text).unwrap().to_string(), "");
}

#[track_caller]
fn is_odd(text: &str, at: &str, words: &[&str]) {
    let told = check(text).unwrap().to_string();
    let place = format!("k.yaml:{}:", line_of(text, at));
    assert!(told.contains(&place), "{place} is not in {told}");
    for word in words {
        assert!(told.contains(word), "{word} is not in {told}");
    }
}

#[track_caller]
fn is_wrong(text: &str, at: &str, words: &[&str]) {
    let told = check(text).unwrap_err();
    let place = format!("k.yaml:{}:", line_of(text, at));
    assert!(told.contains(&place), "{place} is not in {told}");
    for word in words {
        assert!(told.contains(word), "{word} is not in {told}");
    }
}

#[test]
fn servers_at_port_465_await_tls_at_once() {
    let host = "host: [\"mx.example:465\"]";
    let told = ["await TLS at once", "`tls_mode: immediate`"];
    let of_host = ["`mx.example:465`", told[0], told[1]];
    is_odd(&named(host, ""), "mx.example:465", &of_host);
    is_odd(
        &named(&format!("{host}, lmtp: true"), ""),
        "mx.example:465",
        &of_host,
    );
    is_fine(&named(&format!("{host}, tls_mode: immediate"), ""));
    is_fine(&named(
        &format!("{host}, tls_mode: immediate, tls: verified"),
        "",
    ));
    is_fine(&named(
        host,
        &rules(&["host: \"MX.example:465\", tls_mode: immediate"]),
    ));
    // A router names the host, or finds it by the domain.
    let fixed = "static_hosts: [\"mx.example:465\"]";
    is_odd(&routed(fixed, ""), "- name: application\n", &of_host);
    is_fine(&routed(fixed, "tls_mode: immediate"));
    let of_router = ["the `router` sends to port 465", told[0], told[1]];
    for rule in [
        "dest_domain: { port: 465 }",
        "dest_domain: { port: 465, mx: true }",
        "suffix: { suffix: .example, replace_by: .test, port: 465 }",
        "literal: { port: 465 }",
    ] {
        is_odd(&routed(rule, ""), "- name: application\n", &of_router);
        is_fine(&routed(rule, "tls_mode: immediate"));
    }
}

#[test]
fn servers_at_other_ports_greet_in_clear() {
    for port in [25, 587] {
        let host = format!("host: [\"mx.example:{port}\"]");
        let immediate = format!("{host}, tls_mode: immediate");
        let words = [&*format!("at port {port} greet in clear"), "STARTTLS"];
        is_odd(&named(&immediate, ""), "mx.example:", &words);
        let rule = format!("host: \"mx.example:{port}\", tls_mode: offered");
        is_fine(&named(&immediate, &rules(&[&rule])));
        let literal = format!("literal: {{ port: {port} }}");
        is_odd(
            &routed(&literal, "tls_mode: immediate"),
            "tls_mode: immediate",
            &words[..1],
        );
    }
    is_fine(&named(
        "host: [\"mx.example:2465\"], tls_mode: immediate",
        "",
    ));
    // So do the mail hosts that the DNS names.
    for rule in [
        "dest_domain: { mx: true }",
        "suffix: { suffix: .example, replace_by: .test, mx: true }",
    ] {
        let words = [
            "mail hosts of domains greet in clear",
            "name a relay by `host`",
        ];
        is_wrong(
            &routed(rule, "tls_mode: immediate"),
            "tls_mode: immediate",
            &words,
        );
    }
}

#[test]
fn where_there_is_no_tls_it_does_not_begin_at_once() {
    let host = "host: [\"mx.example:465\"]";
    let excluded = ["`tls: never` excludes it"];
    let text = named(&format!("{host}, tls: never, tls_mode: immediate"), "");
    is_wrong(&text, "tls_mode: immediate", &excluded);
    // The rule says it itself, or only the endpoint does.
    let both = rules(&["host: \"mx.example:465\", tls: never, tls_mode: immediate"]);
    let text = named(host, &both);
    is_wrong(&text, "tls_mode: immediate", &excluded);
    assert_eq!(check(&text).unwrap_err().matches("excludes it").count(), 1);
    let immediate = rules(&["host: \"mx.example:465\", tls_mode: immediate"]);
    let text = named(&format!("{host}, tls: never"), &immediate);
    is_wrong(
        &text,
        "tls_mode: immediate",
        &["in chain `application`", excluded[0]],
    );
    let verified = rules(&["host: \"mx.example:465\", tls: verified, tls_mode: immediate"]);
    is_fine(&named(&format!("{host}, tls: never"), &verified));
    // Nor to a Unix socket.
    let socket = "host: [\"unix:/run/koukan-none\"]";
    let text = named(&format!("{socket}, tls_mode: immediate"), "");
    is_wrong(
        &text,
        "koukan-none",
        &["a Unix socket", "leave `tls` and `tls_mode` out"],
    );
    let required = rules(&["host: \"unix:/run/koukan-none\", tls: required"]);
    is_wrong(&named(socket, &required), "koukan-none", &["a Unix socket"]);
    let never = rules(&["host: \"unix:/run/koukan-none\", tls: never"]);
    for general in ["tls: required", "tls_mode: immediate"] {
        let text = named(&format!("{socket}, {general}"), &never);
        is_odd(&text, "koukan-none", &["cannot be connected to just now"]);
    }
}

#[test]
fn what_is_said_of_tls_is_about_hosts() {
    for rule in ["tls: verified", "tls_mode: immediate"] {
        let text = named("", &rules(&[&format!("domain: a.example, {rule}")]));
        is_wrong(
            &text,
            "a.example",
            &["not for the domain `a.example`", "`host`"],
        );
    }
    for (text, words) in [
        (
            named("tls_mode: required", ""),
            ["required", "offered", "immediate"],
        ),
        (
            named("", &rules(&["host: \"mx:25\", tls_mode: at_once"])),
            ["at_once", "offered", "immediate"],
        ),
    ] {
        let told = check(&text).unwrap_err();
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
    }
}

#[test]
fn what_the_rule_of_a_host_says_of_tls_counts() {
    let directory = tempfile::tempdir().unwrap();
    let (secret, ca) = (directory.path().join("secret"), directory.path().join("ca"));
    std::fs::write(&secret, "pen cil\n").unwrap();
    std::fs::write(&ca, koukan_core::test_util::Authority::new().pem()).unwrap();
    let auth = format!(
        "auth: {{ user: a, password_file: \"{}\" }}",
        secret.display()
    );
    let smtp = format!("host: [\"mx.example:587\"], tls: never, {auth}");
    let words = ["without TLS it is not said"];
    is_odd(&named(&smtp, ""), "user: a", &words);
    let verified = rules(&["host: \"mx.example:587\", tls: verified"]);
    is_fine(&named(&smtp, &verified));
    // The authorities are of use for this host.
    let smtp = format!("host: [\"mx.example:587\"], ca_file: \"{}\"", ca.display());
    is_wrong(&named(&smtp, ""), "ca_file", &["of use only"]);
    is_fine(&named(&smtp, &verified));
}
