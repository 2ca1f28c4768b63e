//! In filters that ask destinations about recipients.

use super::*;

/// The errors for the chain `submission` with these filters instead of its own.
fn told_of(filters: &str) -> String {
    let own = "  - name: submission\n    filter:\n      - received_header\n";
    let text = changed(
        own,
        &format!("  - name: submission\n    filter:\n{filters}"),
    );
    match check(&text) {
        Ok(warnings) => warnings.to_string(),
        Err(told) => told,
    }
}

#[test]
fn in_its_keys() {
    for (keys, words) in [
        ("domains: []", "add a domain"),
        (
            "domains: [a.example, A.example]",
            "`a.example` is there twice",
        ),
        ("domains: [bob@a.example]", "write `a.example`"),
        ("mail_from: us", "`us` is no address"),
        ("timeout: 0s", "no time at all"),
        ("unknown_for: 0s", "no time at all"),
        ("refuse: false, unknown: refuse", "leave `unknown` out"),
        ("unknown: defer", "`defer` is not known here"),
        ("max_entries: 10000001", "too much memory"),
        ("catch_all: true", "no key `catch_all`"),
    ] {
        let told = told_of(&format!("      - recipient_verification: {{ {keys} }}\n"));
        assert!(told.starts_with("k.yaml:"), "{keys}: {told}");
        assert!(told.contains(words), "{keys}: {told}");
        assert!(!FOREIGN.iter().any(|word| told.contains(word)), "{told}");
    }
}

#[test]
fn in_where_it_stands() {
    let filter = "      - recipient_verification: { refuse: false }\n";
    let rule = |result: &str| {
        format!(
            "      - policy_action:\n          match: {{ matcher: recipient_verification, results: {result} }}\n          \
             tag: recipients\n          mode: PER_RCPT\n          action: REJECT\n"
        )
    };
    let told = told_of(&format!("{filter}{}", rule("[REFUSED, UNKNOWN]")));
    assert!(!told.contains("recipient"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aliases");
    std::fs::write(&file, "a@example.com: b@example.com\n").unwrap();
    let aliases = format!(
        "      - router: {{ rules: [{{ aliases: {{ file: \"{}\" }} }}, {{ accept_all: {{}} }}] }}\n",
        file.display()
    );
    let told = told_of(&format!("{aliases}{filter}"));
    assert!(!told.contains("stand for"), "{told}");
    for (filters, words) in [
        (
            format!("{filter}{aliases}"),
            "put `recipient_verification` after the `router`",
        ),
        (format!("{filter}{filter}"), "twice"),
        (
            rule("REFUSED"),
            "nothing before this rule finds out `recipient_verification`",
        ),
        (format!("{filter}{}", rule("[]")), "never matches"),
        (
            format!("{filter}{}", rule("REFUSD")),
            "did you mean `REFUSED`",
        ),
    ] {
        let told = told_of(&filters);
        assert!(told.contains(words), "{words}: {told}");
    }
    let text = changed(BUILDER, "      - recipient_verification\n");
    let told = check(&text).unwrap_err();
    assert!(told.contains("does not end in an exploder"), "{told}");
    assert!(
        told.contains("leave `recipient_verification` out"),
        "{told}"
    );
}
