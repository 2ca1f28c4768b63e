//! Configurations that can be read but cannot work.

use super::*;

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
            DOMAINS,
            "address_list: { domains: [\"127.0.0.1\"] }",
            "127.0.0.1\"] }",
            &["write `[127.0.0.1]`"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example], prefixes: [] }",
            "a.example",
            &["without a prefix", "leave `prefixes` out"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example], prefixes: [\"\"] }",
            "a.example",
            &["empty prefix"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example], prefixes: [bob+x], delimiter: \"+\" }",
            "a.example",
            &["`bob+x` matches no recipient"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example], prefixes: [bob], delimiter: \"@\" }",
            "a.example",
            &["`@` stands in no local part"],
        ),
        (
            DOMAINS,
            "address_list: { domains: [a.example], prefixes: [b, c] }\n            - address_list: { domains: [A.example], prefixes: [B] }",
            "A.example",
            &["rule 2 never decides"],
        ),
        (
            HOSTS,
            "accept_all: {}",
            "  - name: application\n",
            &["rule 1 of its router accepts recipients and names no host"],
        ),
        (
            HOSTS,
            "address_list: { domains: [a.example] }",
            "  - name: application\n",
            &["rule 1 of its router accepts"],
        ),
        (
            HOSTS,
            "address_list: { domains: [a.example], reject: relay_denied }\n            - accept_all: {}",
            "  - name: application\n",
            &["rule 2 of its router accepts"],
        ),
        (
            HOSTS,
            "static_hosts: [\"mx.example.com:0\"]",
            "mx.example.com:0",
            &["not a host and port", "port 0"],
        ),
        (HOSTS, "accept_all", "- accept_all", &["expected"]),
        (
            BUILDER,
            "      - message_builder\n      - message_builder\n",
            "- message_builder\n      - received_header",
            &["is in chain", "twice"],
        ),
        (
            BUILDER,
            "      - message_parser: { max_depth: 99 }\n",
            "max_depth",
            &["`max_depth` is 1 to 50"],
        ),
        (
            BUILDER,
            "      - received_header: { max_received: 0 }\n",
            "max_received: 0",
            &["every message that was relayed is refused"],
        ),
        (
            "domain: { rest-application.example.com: receiving }",
            "domain: { a.example: receiving, A.example: receiving }",
            "a.example",
            &["is there twice"],
        ),
        (
            "domain: { rest-application.example.com: receiving }",
            "domain: { b\u{fc}cher.example: receiving, xn--bcher-kva.example: receiving }",
            "xn--bcher-kva.example",
            &["is there twice"],
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

/// A chain that leads back to itself, in whatever way.
#[test]
fn circles() {
    let by_domain = "  - { name: outgoing, chain: outgoing }\n  - { name: loop, chain: ingress }\n";
    let text = changed("  - { name: outgoing, chain: outgoing }\n", by_domain);
    let domain = "rest-application.example.com: receiving";
    assert!(text.contains(domain));
    let by_domain = text.replace(domain, "example.com: loop");
    let by_listener = LOCAL.replace("127.0.0.1:3025", "127.0.0.1:1587");
    let by_name = LOCAL.replace("127.0.0.1:3025", "localhost:1025");
    let receiving = LOCAL.replace("sender: receiver", "sender: receiving");
    let by_rest = receiving.replace("127.0.0.1:8002", "127.0.0.1:8000");
    let by_rest_name = receiving.replace("127.0.0.1:8002", "localhost:8000/x");
    for text in [by_domain, by_listener, by_name, by_rest, by_rest_name] {
        let told = check(&text).unwrap_err();
        assert!(told.contains("leads back to itself"), "{told}");
        assert!(told.contains("help: "), "{told}");
    }
}

/// Only a gateway's clients name the host; mail from elsewhere does not.
#[test]
fn a_gateway_chain_that_others_use() {
    let config = |more: &str| {
        format!(
            "hostname: a.example\nnotification: {{ sender: out }}\nrest_listener:\n  - {{ address: \
             \"127.0.0.1:1\", trusted: true }}\nsender:\n  - {{ name: gw, chain: smtp, rest: {{ \
             gateway: true }} }}\n  - {{ name: out, chain: fixed }}\nchain:\n  - {{ name: smtp, \
             endpoint: {{ smtp: {{}} }} }}\n  - {{ name: fixed, endpoint: {{ smtp: {{ host: \
             [\"mx.example:25\"] }} }} }}\n{more}"
        )
    };
    check(&config("")).unwrap();
    let listener = "smtp_listener:\n  - { address: \"127.0.0.1:2\", sender: gw }\n";
    let told = check(&config(listener)).unwrap_err();
    assert!(told.contains("nothing tells the host"), "{told}");
    let notified = config("").replace(
        "notification: { sender: out }",
        "notification: { sender: gw }",
    );
    check(&notified).unwrap();
    let told = check(&format!("storage: memory\n{notified}")).unwrap_err();
    assert!(told.contains("nothing tells the host"), "{told}");
}

#[test]
fn messages_that_are_changed_once_they_were_taken_apart() {
    const PARSER: &str = "      - message_parser\n";
    for filter in [
        "change_header: { remove: [X-Tag] }",
        "send_as: { identities: { a: [example.com] }, unsuitable: rewrite_from }",
    ] {
        let line = format!("      - {filter}\n");
        check(&changed(PARSER, &format!("{line}{PARSER}"))).unwrap();
        told(&[(
            PARSER,
            &format!("{PARSER}{line}"),
            filter,
            &[
                "changes what `message_parser` before it has taken apart",
                "put `message_parser` behind it",
            ],
        )]);
    }
    // Trace fields may follow.
    let trace = format!("{PARSER}      - received_header\n");
    check(&changed(PARSER, &trace)).unwrap();
}

#[test]
fn notifications_by_spf_that_nobody_asks_for() {
    let notify = LOCAL.replacen(
        "policy: ingress\n",
        "policy: ingress\n        notify: spf_pass\n",
        1,
    );
    let told = check(&notify).unwrap().to_string();
    assert!(
        told.contains("chain `ingress` tells nobody that mail failed"),
        "{told}"
    );
    let filter = "    filter:\n      - received_header\n      - router";
    let asked = notify.replacen(
        filter,
        "    filter:\n      - spf_check\n      - received_header\n      - router",
        1,
    );
    assert_ne!(asked, notify);
    let told = check(&asked).unwrap();
    assert!(told.problems().is_empty(), "{told}");
}
