//! The position of rules in chains, and their lists.

use super::{
    policies::{FROM, rule},
    *,
};

#[test]
fn rules_that_are_never_asked() {
    for (before, after, told) in [
        (
            "{ tag: t }",
            "{ tag: t, name: later }",
            "give it another `tag`",
        ),
        (
            "{ tag: t, action: REJECT }",
            "{ tag: u, name: later }",
            "give that one a `match`",
        ),
        (
            "{ tag: t, mode: PER_RCPT }",
            "{ tag: t, name: later, mode: PER_RCPT }",
            "give it another `tag`",
        ),
        (
            "{ tag: t, action: DEFER }",
            "{ tag: u, name: later, mode: PER_RCPT }",
            "give that one a `match`",
        ),
    ] {
        let text = changed(
            FROM,
            &rule(&format!("{before}\n      - policy_action: {after}")),
        );
        let error = check(&text).unwrap_err();
        let place = format!("k.yaml:{}:", line_of(&text, after));
        assert!(error.starts_with(&place), "{error}");
        assert!(
            error.contains("rule `later` is never asked: `t` before it"),
            "{error}"
        );
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_mistake_in_a_list_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    for (matcher, entries, told) in [
        (
            "address_list",
            "a.example\n# b\na b\n",
            "list: line 3: `a b` is neither a domain",
        ),
        (
            "network_address",
            "10.0.0.0/8\n10.0.0.0/40\n",
            "list: line 2: `10.0.0.0/40` is no network",
        ),
    ] {
        let config = format!(
            "{{ tag: t, match: {{ matcher: {matcher}, file: \"{}\" }} }}",
            path.display()
        );
        let text = changed(FROM, &rule(&config));
        std::fs::write(&path, entries).unwrap();
        let error = check(&text).unwrap_err();
        let place = format!("k.yaml:{}:", line_of(&text, "policy_action"));
        assert!(error.starts_with(&place) && error.contains(told), "{error}");
        let right: String = entries.lines().take(1).collect();
        std::fs::write(&path, right).unwrap();
        check(&text).unwrap();
    }
}

#[test]
fn what_is_found_out_before_a_chain_begins_is_known_there() {
    let asking = "  - name: outgoing\n    filter:\n      - policy_action: { tag: t, match: { matcher: policy_action, rule: r } }\n";
    let text = LOCAL.replacen("  - name: outgoing\n    filter:\n", asking, 1);
    let error = check(&text).unwrap_err();
    assert!(
        error.contains("no rule before this one is called `r`"),
        "{error}"
    );
    // The exploder of the chain leads to it.
    let found = text.replacen(
        "  - name: submission\n    filter:\n",
        "  - name: submission\n    filter:\n      - policy_action: { tag: r }\n",
        1,
    );
    assert_ne!(found, text);
    check(&found).unwrap();
    // An unknown filter may find out anything.
    let mut registry = Registry::default();
    registry.filter("own", |_: serde_json::Value| {
        tower::layer::util::Identity::new()
    });
    let own = text.replacen(
        "      - received_header\n",
        "      - own\n      - received_header\n",
        1,
    );
    let parse = |registry: &Registry| {
        let parsed = Config::parse(Path::new("k.yaml"), &own, registry);
        parsed.map(drop).map_err(|error| error.to_string())
    };
    parse(&registry).unwrap();
    registry.signals("own", ["policy.rule.s"]);
    let error = parse(&registry).unwrap_err();
    assert!(error.contains("did you mean `s`?"), "{error}");
}

#[test]
fn rules_that_are_asked_before_the_message_is_there() {
    let asking = "policy_action: { tag: t, mode: PER_RCPT, match: { matcher: message_validation, \
        threshold: HIGH } }";
    let validation = "      - message_validation\n";
    let text = changed(
        FROM,
        &format!("{validation}{}", rule(&asking["policy_action: ".len()..])),
    );
    let error = check(&text).unwrap_err();
    let place = format!("k.yaml:{}:", line_of(&text, "policy_action"));
    assert!(error.starts_with(&place), "{error}");
    assert!(
        error.contains("`message_validation` is found out with the message"),
        "{error}"
    );
    // A chain after the exploder has the message.
    let begin = |chain: &str| format!("  - name: {chain}\n    filter:\n");
    let text = LOCAL.replacen(&begin("submission"), &(begin("submission") + validation), 1);
    let later = format!("{}      - {asking}\n", begin("outgoing"));
    let text = text.replacen(&begin("outgoing"), &later, 1);
    assert!(text.contains(asking) && text.contains(validation));
    check(&text).unwrap();
}

#[test]
fn rules_of_content() {
    let validation = "      - message_validation\n";
    for (config, told) in [
        (
            "{ tag: t, match: { matcher: message_validation, threshold: medium } }",
            "there is `BASIC`, `MEDIUM`, `HIGH`",
        ),
        (
            "{ tag: t, match: { matcher: attachment } }",
            "add `types`, `names` or `larger_than`",
        ),
        (
            "{ tag: t, match: { matcher: attachment, types: [exe] } }",
            "`exe` is no type",
        ),
    ] {
        let text = changed(FROM, &format!("{validation}{}", rule(config)));
        let error = check(&text).unwrap_err();
        let place = format!("k.yaml:{}:", line_of(&text, "policy_action"));
        assert!(error.starts_with(&place) && error.contains(told), "{error}");
    }
    for config in [
        "{ tag: t, match: { matcher: message_validation, threshold: MEDIUM } }",
        "{ tag: t, match: { matcher: attachment, names: [\"*.exe\"], larger_than: 10MiB } }",
    ] {
        check(&changed(FROM, &format!("{validation}{}", rule(config)))).unwrap();
        let error = check(&changed(FROM, &rule(config))).unwrap_err();
        assert!(error.contains("finds out `message_validation`"), "{error}");
    }
    let text = changed(
        FROM,
        &format!("      - message_validation: {{ max_depth: 0 }}\n{FROM}"),
    );
    let error = check(&text).unwrap_err();
    assert!(error.contains("1 to 20, not 0"), "{error}");
}
