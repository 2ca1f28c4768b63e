//! `notification` is needed where mail is kept.

use super::*;

/// Passes mail on to a server, and keeps nothing.
const PASSES: &str = r#"hostname: me.example
storage: memory
smtp_listener:
  - { address: "127.0.0.1:1025", sender: in }
rest_listener:
  - { address: "127.0.0.1:8000", trusted: true }
sender:
  - { name: in, chain: in }
  - { name: gateway, chain: in, rest: { gateway: true } }
chain:
  - name: in
    filter: [received_header]
    endpoint: { smtp: { host: ["127.0.0.1:3025"] } }
"#;

#[test]
fn it_is_not_needed_where_nothing_is_kept() {
    check(PASSES).unwrap();
    check(&PASSES.replace("storage: memory\n", "")).unwrap();
}

#[test]
fn it_is_asked_for_by_the_first_part_that_keeps_mail() {
    for (from, to, at, kept) in [
        (
            "memory",
            "{ sqlite: data/k.sqlite }",
            "sqlite",
            "the database may hold mail",
        ),
        (
            "memory",
            "{ postgres: { url: \"postgres://127.0.0.1/k\" } }",
            "postgres:",
            "the database may hold mail",
        ),
        (
            "rest: { gateway: true }",
            "rest: {}",
            "name: gateway",
            "sender `gateway` is promised delivery by REST",
        ),
        (
            "received_header",
            "add_route: { sender: in, mode: stored }",
            "add_route",
            "chain `in` stores copies",
        ),
        (
            "chain:\n",
            "  - { name: out, chain: out }\nchain:\n  - { name: out, endpoint: { exploder: { policy: submission, sender: in } } }\n",
            "- { name: out, endpoint",
            "chain `out` promises to deliver",
        ),
    ] {
        assert!(PASSES.contains(from), "{from}");
        let text = PASSES.replacen(from, to, 1);
        let told = check(&text).unwrap_err();
        let line = line_of(&text, at);
        let problem = format!("`notification` is missing: {kept}");
        let is_told =
            |said: &str| said.starts_with(&format!("k.yaml:{line}:")) && said.contains(&problem);
        assert!(told.lines().any(is_told), "{problem} at {line}: {told}");
        let help = "help: add `notification: { sender: NAME }`";
        assert!(told.contains(help), "{told}");
        // With `notification`, it is not mentioned.
        let told = check(&format!("notification: {{ sender: in }}\n{text}"));
        let told = told.err().unwrap_or_default();
        assert!(!told.contains("`notification`"), "{told}");
    }
}
