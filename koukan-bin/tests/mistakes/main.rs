//! Mistakes in a configuration are told in plain words, where they stand, with what to change.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use koukan::{
    config::{Config, ConfigWarnings},
    registry::Registry,
};

const LOCAL: &str = include_str!("../../config/local/koukan.yaml");

/// Words of libraries and of their programmers.
const FOREIGN: &[&str] = &[
    "Option<",
    "DuplicateKey",
    "from_str",
    "mapping start",
    "sequence start",
    "scalar",
    "struct ",
    "u64",
    "u32",
    "usize",
    "variant",
    "deserialize",
    "enum",
    "invalid type",
    "invalid value",
    "null into",
];

fn check(text: &str) -> Result<ConfigWarnings, String> {
    let parsed = Config::parse_with_warnings(Path::new("k.yaml"), text, &Registry::default());
    parsed
        .map(|(_, warnings)| warnings)
        .map_err(|error| error.to_string())
}

/// The local configuration with one place changed.
fn changed(from: &str, to: &str) -> String {
    assert!(LOCAL.contains(from), "{from}");
    LOCAL.replacen(from, to, 1)
}

/// The line of a text, from 1 on.
fn line_of(text: &str, part: &str) -> usize {
    let before = text.split(part).next().unwrap();
    before.matches('\n').count() + 1
}

/// What is wrong, by the text that is changed, what it becomes, the part of that at whose line the
/// mistake is told, and what is told.
type Mistake<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

#[track_caller]
fn told(mistakes: &[Mistake<'_>]) {
    let mut wrong = Vec::new();
    for (from, to, at, words) in mistakes {
        let text = changed(from, to);
        let told = match check(&text) {
            Ok(warnings) => format!("nothing but {warnings}"),
            Err(told) => told,
        };
        let place = match *at {
            "" => "k.yaml: ".to_owned(),
            at => format!("k.yaml:{}:", line_of(&text, at)),
        };
        let first = told.lines().next().unwrap_or_default();
        let is_told = first.starts_with(&place) && words.iter().all(|word| told.contains(word));
        let is_foreign = FOREIGN.iter().any(|word| told.contains(word));
        if !is_told || is_foreign {
            wrong.push(format!("{to:?}: {place} {words:?} is not in\n{told}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const HOSTNAME: &str = "hostname: koukan.localdomain\n";
const SUBMISSION: &str = "      exploder: { policy: submission, sender: outgoing }\n";
const INGRESS: &str = "address: \"127.0.0.1:1025\"";
const BUILDER: &str = "      - message_builder\n";
const HOSTS: &str = "static_hosts: [\"127.0.0.1:3025\"]";
const DOMAINS: &str = "address_list: { domains: [example.com] }";
const API: &str = "- { address: \"127.0.0.1:8000\" }";

#[test]
fn what_is_no_yaml() {
    told(&[
        (
            "  sqlite: data",
            "\tsqlite: data",
            "\tsqlite",
            &["TAB", "help: indent with spaces"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:1025",
            "address: \"127.0.0.1:1025,",
            &["quote is opened here"],
        ),
        (
            HOSTNAME,
            "hostname: 'koukan.localdomain\n",
            "hostname: '",
            &["quote is opened here"],
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: outgoing",
            "notification: {",
            &["bracket is opened here", "add `}`"],
        ),
        (
            HOSTS,
            "static_hosts: [\"127.0.0.1:3025\"",
            HOSTS_OPEN,
            &["bracket is opened here", "add `]`"],
        ),
        (
            HOSTNAME,
            "hostname: @example\n",
            "hostname: @",
            &["cannot begin with `@`", "quotes"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: *db",
            "sqlite: *db",
            &["`*`", "quotes"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite:data/x",
            "sqlite:data/x",
            &["a blank after the colon"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite data/x",
            "sqlite data/x",
            &["is no storage"],
        ),
        (
            "chain:\n  - name: ingress",
            "---\nchain:\n  - name: ingress",
            "---\nchain",
            &["more than one document"],
        ),
    ]);
}

const HOSTS_OPEN: &str = "static_hosts: [\"127.0.0.1:3025\"\n";

#[test]
fn a_file_with_nothing_in_it() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "\u{feff}"] {
        let told = check(text).unwrap_err();
        assert!(told.contains("the file is empty"), "{told}");
    }
    for text in ["hello\n", "- a\n- b\n", "5\n"] {
        let told = check(text).unwrap_err();
        assert!(told.contains("a mapping is expected"), "{told}");
    }
}

#[test]
fn keys_and_the_shape_of_values() {
    told(&[
        (
            HOSTNAME,
            "hostname: a.example\nhostname: b.example\n",
            "hostname: b",
            &["`hostname` is there twice"],
        ),
        (
            HOSTNAME,
            "hostname: [a]\n",
            "hostname: [",
            &["single value"],
        ),
        (
            HOSTNAME,
            "hostname: { a: b }\n",
            "hostname: {",
            &["single value"],
        ),
        (
            HOSTNAME,
            "hostname:\n",
            "hostname:\n",
            &["the value is missing"],
        ),
        (
            HOSTNAME,
            "",
            "",
            &["`hostname` is missing", "help: add `hostname:`"],
        ),
        (
            HOSTNAME,
            "hostnam: x\nhostname: y\n",
            "hostnam: ",
            &["no key `hostnam`", "did you mean `hostname`?"],
        ),
        (
            "notification: { sender: outgoing }",
            "notification: outgoing",
            "notification: outgoing",
            &["mapping is expected"],
        ),
        (
            "notification: { sender: outgoing }\n",
            "",
            "",
            &["`notification` is missing"],
        ),
        (
            "  - { name: outgoing, chain: outgoing }",
            "  - outgoing",
            "  - outgoing",
            &["mapping is expected"],
        ),
        (
            "tag: { smtp-mx: ingress }",
            "tag: [smtp-mx]",
            "tag: [",
            &["mapping is expected"],
        ),
        (
            "      exploder: { policy: submission",
            "      explod: { policy: submission",
            "explod: {",
            &["did you mean `exploder`?"],
        ),
        (
            SUBMISSION,
            "      exploder: { sender: outgoing }\n",
            "exploder: { sender",
            &["`policy` is missing"],
        ),
        (
            SUBMISSION,
            "      exploder: { policy: submission, sender: outgoing }\n      smtp: {}\n",
            "      smtp: {}\n\n  # Mail of",
            &["one too many"],
        ),
        (
            "    endpoint:\n      exploder: { policy: submission, sender: outgoing }\n",
            "",
            "  - name: submission\n    filter",
            &["`endpoint` is missing"],
        ),
        (
            "  - name: submission\n    filter",
            "  - filter",
            "  - filter:\n      - received_header\n    endpoint:\n      exploder: { policy: submission",
            &["`name` is missing"],
        ),
        (
            HOSTNAME,
            "hostname: a b\n",
            "hostname: a b",
            &["not a host name"],
        ),
    ]);
}

#[test]
fn values() {
    told(&[
        (
            HOSTNAME,
            "retry: { min_attempt_time: 5 }\nhostname: a\n",
            "retry:",
            &["not a duration"],
        ),
        (
            HOSTNAME,
            "rest: { max_message_size: 5MB }\nhostname: a\n",
            "rest:",
            &["not a size"],
        ),
        (
            HOSTNAME,
            "output: { max_in_flight: -1 }\nhostname: a\n",
            "output:",
            &["a whole number"],
        ),
        (
            HOSTNAME,
            "output: { max_in_flight: many }\nhostname: a\n",
            "output:",
            &["a whole number"],
        ),
        (
            HOSTNAME,
            "output: { max_in_flight: 0 }\nhostname: a\n",
            "output:",
            &["at least 1"],
        ),
        (
            HOSTNAME,
            "log: { level: loud }\nhostname: a\n",
            "log:",
            &["`loud` is not known here", "`info`"],
        ),
        (
            "rest: {} }",
            "rest: { gateway: maybe } }",
            "rest: { gateway",
            &["`true` or `false`"],
        ),
        (
            INGRESS,
            "address: \"localhost:1025\"",
            "localhost:1025",
            &["an IP address and a port", "`127.0.0.1:1025`"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1\"",
            "\"127.0.0.1\"",
            &["an IP address and a port"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:70000\"",
            "127.0.0.1:70000",
            &["an IP address and a port"],
        ),
        (
            API,
            "- { address: \"127.0.0.1:8000\", token: [{ name: a, sha256: abc }] }",
            "sha256: abc",
            &["koukan token"],
        ),
    ]);
}

#[test]
fn within_filters() {
    told(&[
        (
            DOMAINS,
            "address_list: { domain: [example.com] }",
            "domain: [example.com]",
            &[
                "filter `router`",
                "no key `domain`",
                "did you mean `domains`?",
            ],
        ),
        (
            DOMAINS,
            "address_list: { domains: example.com }",
            "domains: example.com }",
            &["a list is expected"],
        ),
        (
            DOMAINS,
            "address_list: { prefixes: [bob] }",
            "prefixes: [bob] }\n            # `bob`",
            &["`domains` is missing"],
        ),
        (
            DOMAINS,
            "adress_list: { domains: [example.com] }",
            "adress_list",
            &["did you mean `address_list`?"],
        ),
        (
            "delimiter: \"+\"",
            "delimiter: \"++\"",
            "delimiter: \"++\"",
            &["a single character"],
        ),
        (
            HOSTS,
            "static_hosts: [\"127.0.0.1\"]",
            "static_hosts: [\"127.0.0.1\"]",
            &["not a host and port"],
        ),
        (
            HOSTS,
            "static_hosts: \"127.0.0.1:3025\"",
            "static_hosts: \"127.0.0.1:3025\"",
            &["a list is expected"],
        ),
        (
            HOSTS,
            "dest_domain: { port: 70000 }",
            "port: 70000",
            &["1 to 65535"],
        ),
        (
            BUILDER,
            "      - message_builder: big\n",
            "message_builder: big",
            &["a mapping is expected"],
        ),
        (
            BUILDER,
            "      - message_builder: { max_size: 5 }\n",
            "max_size: 5",
            &["a text is expected", "5"],
        ),
        (
            BUILDER,
            "      - message_builder: { max_size: 5MB }\n",
            "max_size: 5MB",
            &["not a size"],
        ),
        (
            BUILDER,
            "      - router\n",
            "      - router\n",
            &["`rules` is missing"],
        ),
        (
            BUILDER,
            "      - message_builder: {}\n        received_header: {}\n",
            "message_builder: {}",
            &["stands beside"],
        ),
        (
            "      - received_header\n",
            "      - recieved_header\n",
            "recieved_header",
            &["did you mean `received_header`?"],
        ),
    ]);
}

#[test]
fn what_cannot_work() {
    let after = |rule: &str| format!("{HOSTS}\n            - {rule}");
    told(&[
        (
            HOSTS,
            &after("address_list: { domains: [late.example] }"),
            "late.example",
            &["rule 2 never decides"],
        ),
        (
            HOSTS,
            &after("dest_domain: {}"),
            "dest_domain",
            &["rule 2 never decides"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example] }\n            - address_list: { domains: [A.example], prefixes: [x] }",
            "A.example",
            &["rule 2 never decides"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [] }",
            "domains: []",
            &["knows no recipient"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [\"@example.com\"] }",
            "@example.com\"] }",
            &["write `example.com`"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [example.com.] }",
            "example.com.]",
            &["without the dot"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example, A.example] }",
            "A.example",
            &["there twice"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example], delimiter: \"+\" }",
            "a.example",
            &["`delimiter` does nothing"],
        ),
        (
            "domain: { rest-application.example.com: receiving }",
            "domain: { \"@x.example\": receiving }",
            "@x.example",
            &["write `x.example`"],
        ),
        (
            "address: \"127.0.0.1:1587\"",
            "address: \"127.0.0.1:1025\"",
            "127.0.0.1:1025\", sender: submission",
            &["listened on twice"],
        ),
        (
            "address: \"127.0.0.1:1587\"",
            "address: \"0.0.0.0:1025\"",
            "0.0.0.0:1025",
            &["listened on already"],
        ),
        (
            "address: \"127.0.0.1:1587\"",
            "address: \"127.0.0.1:8000\"",
            API,
            &["listened on twice"],
        ),
        (
            HOSTNAME,
            "retry: { min_attempt_time: 3h }\nhostname: a.example\n",
            "retry:",
            &["`min_attempt_time` (3h) is longer than `max_attempt_time` (2h)"],
        ),
        (
            HOSTNAME,
            "retry: { max_attempts: 0 }\nhostname: a.example\n",
            "retry:",
            &["no attempt would ever be made"],
        ),
        (
            HOSTNAME,
            "retry: { deadline: 0s }\nhostname: a.example\n",
            "retry:",
            &["no time at all"],
        ),
        (
            API,
            "- { address: \"127.0.0.1:8000\", token: [{ name: a, sha256: \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", sender: [outgoing] }] }",
            "sender: [outgoing]",
            &["may not use the REST API", "`rest: {}`"],
        ),
        (
            API,
            "- { address: \"127.0.0.1:8000\", token: [{ name: a, sha256: \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" }, { name: a, sha256: \"1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" }] }",
            "name: a, sha256",
            &["token `a` is there twice"],
        ),
        (
            "rest: { url: \"http://127.0.0.1:8002\"",
            "rest: { token_file: /nowhere/token, url: \"http://127.0.0.1:8002\"",
            "/nowhere/token",
            &["cannot read /nowhere/token"],
        ),
        (
            "rest: { url: \"http://127.0.0.1:8002\"",
            "rest: { ca_file: /dev/null, url: \"http://127.0.0.1:8002\"",
            "/dev/null",
            &["/dev/null is empty"],
        ),
    ]);
    let without_rules = LOCAL.replacen(
        "          rules:\n            - static_hosts: [\"127.0.0.1:3025\"]\n",
        "          rules: []\n",
        1,
    );
    let told = check(&without_rules).unwrap_err();
    assert!(
        told.contains("a router without rules refuses every recipient"),
        "{told}"
    );
    assert!(
        told.starts_with(&format!("k.yaml:{}:", line_of(&without_rules, "rules: []"))),
        "{told}"
    );
    let without_host = LOCAL.replacen("  - name: outgoing\n    filter:\n      - router:\n          rules:\n            - static_hosts: [\"127.0.0.1:3025\"]\n", "  - name: outgoing\n", 1);
    let told = check(&without_host).unwrap_err();
    assert!(told.contains("nothing tells the host"), "{told}");
}

#[test]
fn what_is_of_no_use_is_a_warning() {
    for (from, to, told) in [
        (
            "chain:\n  - name: ingress",
            "chain:\n  - { name: spare, endpoint: { smtp: { host: [\"127.0.0.1:3025\"] } } }\n  - name: ingress",
            "no sender uses chain `spare`",
        ),
        (
            "  - { name: outgoing, chain: outgoing }\n",
            "  - { name: outgoing, chain: outgoing }\n  - { name: spare, chain: outgoing }\n",
            "nothing uses sender `spare`",
        ),
        (
            ", rest: {} }",
            " }",
            "nobody can send mail by 127.0.0.1:8000",
        ),
        (
            HOSTNAME,
            "retry: { deadline: 1m }\nhostname: a.example\n",
            "the `deadline` (1m) comes before the second attempt (5m)",
        ),
    ] {
        let warnings = check(&changed(from, to)).unwrap().to_string();
        assert!(warnings.contains(&format!("warning: {told}")), "{warnings}");
        assert!(warnings.contains("help: "), "{warnings}");
    }
    assert!(check(LOCAL).unwrap().problems().is_empty());
    for local in [
        include_str!("../../config/local/router.yaml"),
        include_str!("../../config/local/gateway.yaml"),
    ] {
        let warnings = check(local).unwrap();
        assert!(warnings.problems().is_empty(), "{warnings}");
    }
}
