//! In the filters `send_as` and `change_header`.

use super::*;

#[test]
fn who_may_send_as_whom() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, "alice alice@example.com\nbob\n").unwrap();
    let file = format!("{{ file: \"{}\" }}", path.display());
    for (config, at, told) in [
        ("{}", "send_as", "neither `identities` nor `file`"),
        (
            "{ identities: { alice: [] } }",
            "send_as",
            "`alice` may use nothing",
        ),
        (
            "{ identities: { alice: [a b] } }",
            "send_as",
            "`a b` is neither a domain",
        ),
        (
            "{ identities: { alice: [\"@x.example\"] } }",
            "send_as",
            "write `x.example`",
        ),
        (
            "{ identities: { a: [b.example] }, others: ignore }",
            "send_as",
            "`pass`",
        ),
        (
            "{ identities: { a: [b.example] }, header: false, unsuitable: rewrite_from }",
            "send_as",
            "is of no use where `header` is false",
        ),
        (
            "{ file: /nowhere, identities: { a: [b.example] } }",
            "send_as",
            "into one of them",
        ),
        (&file, "send_as", "line 2: `bob` may use nothing"),
    ] {
        let text = changed(BUILDER, &format!("      - send_as: {config}\n{BUILDER}"));
        let error = check(&text).unwrap_err();
        let place = format!("k.yaml:{}:", line_of(&text, at));
        assert!(error.starts_with(&place) && error.contains(told), "{error}");
    }
    for config in [
        "{ identities: { alice: [alice@example.com, example.org], news: [\"*\"] }, delimiter: \"+\" }",
        "{ identities: { alice: [a@b.example] }, null_reverse_path: false, others: pass, unsuitable: rewrite_sender }",
    ] {
        check(&changed(
            BUILDER,
            &format!("      - send_as: {config}\n{BUILDER}"),
        ))
        .unwrap();
    }
}

#[test]
fn header_fields_that_are_changed() {
    for (config, told) in [
        ("{}", "it changes nothing"),
        (
            "{ remove: [\"X-A:\"] }",
            "a field's name has printable ASCII",
        ),
        (
            "{ add: [{ name: X-A, value: \"a\\r\\nB: c\" }] }",
            "one line",
        ),
        ("{ add: [{ name: X-A }] }", "`value` is missing"),
        (
            "{ replace: [{ name: \"\", value: x }] }",
            "a field's name has printable ASCII",
        ),
    ] {
        let text = changed(
            BUILDER,
            &format!("      - change_header: {config}\n{BUILDER}"),
        );
        let error = check(&text).unwrap_err();
        let place = format!("k.yaml:{}:", line_of(&text, "change_header"));
        assert!(error.starts_with(&place) && error.contains(told), "{error}");
    }
    let right =
        "{ remove: [X-A], replace: [{ name: X-B, value: c }], add: [{ name: X-D, value: e }] }";
    check(&changed(
        BUILDER,
        &format!("      - change_header: {right}\n{BUILDER}"),
    ))
    .unwrap();
}
