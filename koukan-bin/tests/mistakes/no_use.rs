//! Configurations that are allowed, but probably not meant.

use super::*;

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
            SUBMISSION,
            "      exploder: { policy: submission, sender: outgoing, notify: never }\n",
            "chain `submission` takes users' mail and tells nobody",
        ),
        (
            "  - name: submission\n    filter",
            "  - name: submission\n    retry: { deadline: 2d }\n    filter",
            "the `retry` of chain `submission` does nothing",
        ),
        (
            "chain: application, tag: { smtp-msa: submission }",
            "suppression: {}, chain: submission, tag: { smtp-msa: submission }",
            "sender `submission` sends to no address itself: chain `submission` ends in an exploder",
        ),
        (
            API,
            "- { address: \"127.0.0.1:8000\", token: [{ name: a, sha256: \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", expires: \"2020-01-01T00:00:00Z\" }] }",
            "token `a` is no longer valid",
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: ingress, tag: smtp-mx }",
            "senders elsewhere would not hear that their mail is lost: the router of chain `ingress` takes some",
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: receiving }",
            "senders elsewhere would not hear that their mail is lost: chain `receiving` ends in an application",
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:1025\", max_errors_per_client: 99",
            "a client may make 99 errors on all its connections, and 100 of its recipients may be refused on each",
        ),
        (
            HOSTNAME,
            "retry: { first_retry: 10m }\nhostname: a.example\n",
            "`first_retry` (10m) is longer than `min_attempt_time` (5m)",
        ),
        (
            HOSTNAME,
            "retry: { first_retry: 1m, deadline: 30s }\nhostname: a.example\n",
            "the `deadline` (30s) comes before the second attempt (1m)",
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
    // One of its chains sends to addresses itself.
    let sends = changed(", rest: {} }", ", rest: {}, suppression: {} }");
    assert!(check(&sends).unwrap().problems().is_empty());
    for local in [
        include_str!("../../../config/local/router.yaml"),
        include_str!("../../../config/local/gateway.yaml"),
    ] {
        let warnings = check(local).unwrap();
        assert!(warnings.problems().is_empty(), "{warnings}");
    }
}

#[test]
fn a_token_does_not_go_in_the_clear() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    for (url, is_told) in [
        ("http://app.example.com:8002", true),
        ("http://192.0.2.1:8002", true),
        ("http://127.0.0.1:8002", false),
        ("http://localhost:8002", false),
        ("https://app.example.com", false),
    ] {
        let to = format!(
            "rest: {{ token_file: {}, url: \"{url}\"",
            token.path().display()
        );
        let text = changed("rest: { url: \"http://127.0.0.1:8002\"", &to);
        let warnings = check(&text).unwrap();
        let told = warnings.to_string();
        assert_eq!(warnings.problems().len(), usize::from(is_told), "{told}");
        assert_eq!(told.contains("in the clear"), is_told, "{told}");
    }
}
