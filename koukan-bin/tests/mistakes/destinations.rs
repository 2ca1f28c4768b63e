//! Rules for single destinations.

use super::*;

fn with_rules(rules: &str) -> String {
    format!("{LOCAL}\ndestination:\n{rules}\n")
}

#[test]
fn rules_that_say_something_are_right() {
    let text = with_rules(
        "  - { host: \"mx.example.com:25\", connections: 5, messages_per_connection: 20, recipients_per_transaction: 50 }\n\
         \x20 - { host: \"[::1]:25\", connections: 5 }\n\
         \x20 - { host: \"slow.example:25\", rate: 10/s }\n\
         \x20 - { domain: example.com, retry: { deadline: 1d } }\n\
         \x20 - { domain: .example.com, retry: { max_attempts: 3 } }\n\
         \x20 - { domain: a.example.com, retry: { max_attempts: 4 } }",
    );
    let warnings = check(&text).unwrap();
    assert!(!warnings.to_string().contains("destination"), "{warnings}");
}

#[test]
fn what_is_wrong_with_them_is_told_where_it_stands() {
    for (rules, told) in [
        (
            "  - { host: mx.example.com, connections: 5 }",
            "host and port",
        ),
        ("  - { host: \"mx:25\", connections: 0 }", "0"),
        (
            "  - { host: \"mx:25\", connections: 1 }\n  - { host: \"MX:25\", connections: 2 }",
            "stands here twice",
        ),
        (
            "  - { host: \"mx:25\", domain: a.example }",
            "this one is both",
        ),
        ("  - { connections: 5 }", "neither a `host` nor a `domain`"),
        (
            "  - { host: \"mx:25\", retry: { deadline: 1d } }",
            "`retry` does nothing for the host",
        ),
        (
            "  - { domain: a.example, connections: 5 }",
            "do nothing for the domain",
        ),
        (
            "  - { domain: \"*.example\", retry: { deadline: 1d } }",
            "wildcards",
        ),
        (
            "  - { host: \"mx:25\", recipients_per_transaction: 0 }",
            "0",
        ),
        (
            "  - { domain: a.example, rate: 5/s }",
            "several domains may share it",
        ),
        (
            "  - { host: \"mx:25\", rate: 0/s }",
            "nothing would ever go",
        ),
        ("  - { host: \"mx:25\", rate: 10 }", "10"),
        ("  - { host: \"mx:25\", rate: 10/w }", "as in `10/s`"),
        (
            "  - { domain: a.example, recipients_per_transaction: 5 }",
            "several domains may share it",
        ),
        (
            "  - { domain: a.example, retry: { deadline: 1d } }\n  - { domain: A.example, retry: { deadline: 2d } }",
            "destination `A.example` stands here twice",
        ),
        (
            "  - { domain: a.example, retry: { max_attempts: 0 } }",
            "no attempt would ever be made",
        ),
        ("  - { domain: a.example, retires: 3 }", "retires"),
    ] {
        let error = check(&with_rules(rules)).unwrap_err();
        assert!(error.contains(told), "{told} is not in {error}");
    }
}

#[test]
fn a_rule_without_anything_is_odd() {
    for rule in ["  - { host: \"mx:25\" }", "  - { domain: a.example }"] {
        let warnings = check(&with_rules(rule)).unwrap();
        assert!(warnings.to_string().contains("says nothing"), "{warnings}");
    }
}
