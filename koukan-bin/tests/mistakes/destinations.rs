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

#[test]
fn who_this_agent_is_to_a_host() {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "open sesame").unwrap();
    let secret = secret.display();
    let auth = format!("auth: {{ user: a, password_file: \"{secret}\" }}");
    let named = "host: \"127.0.0.1:3025\"";
    let warnings = check(&with_rules(&format!("  - {{ {named}, {auth} }}"))).unwrap();
    assert!(!warnings.to_string().contains("3025"), "{warnings}");
    let elsewhere = format!("  - {{ host: \"mx.example:25\", {auth} }}");
    let warnings = check(&with_rules(&elsewhere)).unwrap().to_string();
    assert!(warnings.contains("names `mx.example:25`"), "{warnings}");
    // Credentials are not sent where others on the way could read them. For a server on this host,
    // that can be allowed.
    let in_the_clear = |auth: &str| {
        let rules = with_rules(&format!("  - {{ {named}, {auth} }}"));
        let text = rules.replacen("      smtp: {}", "      smtp: { tls: never }", 2);
        assert_ne!(text, rules);
        let told = check(&text).unwrap().to_string();
        (told, line_of(&text, "auth: { user: a"))
    };
    let (told, line) = in_the_clear(&auth);
    assert!(
        told.contains("speaks no TLS to `127.0.0.1:3025`")
            && told.contains("set `tls: verified`")
            && told.contains(&format!("k.yaml:{line}:")),
        "{told}"
    );
    let (told, _) = in_the_clear(&auth.replace("user: a,", "user: a, clear: true,"));
    assert!(!told.contains("speaks no TLS"), "{told}");
    for (rule, told) in [
        (
            format!("{named}, auth: {{ user: a }}"),
            "either a password or a token",
        ),
        (
            format!("{named}, auth: {{ user: a, token_file: \"/absent\" }}"),
            "/absent",
        ),
        (
            format!("{named}, certificate: {{ file: \"{secret}\" }}"),
            "secret",
        ),
        (
            "host: \"unix:/run/lmtp\", certificate: { file: x }".to_owned(),
            "there is no TLS with the Unix socket",
        ),
        (
            format!("domain: a.example, {auth}"),
            "is said to hosts, and not to the domain",
        ),
    ] {
        let error = check(&with_rules(&format!("  - {{ {rule} }}"))).unwrap_err();
        assert!(error.contains(told), "{rule}: {error}");
    }
}
