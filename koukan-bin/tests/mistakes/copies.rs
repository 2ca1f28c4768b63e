//! Copies of messages, by the filter `add_route`.

use super::*;

/// The beginning of the chains, and the same with a chain for copies in front.
const CHAINS: &str = "chain:\n";
const ARCHIVE: &str =
    "chain:\n  - { name: archive, endpoint: { smtp: { host: [\"127.0.0.1:3026\"] } } }\n";
const SENDERS: &str = "sender:\n";

/// The local configuration with a sender for copies, and these filters before `message_builder`.
fn with(filters: &[&str], sender: &str) -> String {
    let filters: String = filters.iter().map(|it| format!("      - {it}\n")).collect();
    changed(BUILDER, &format!("{filters}{BUILDER}"))
        .replacen(CHAINS, ARCHIVE, 1)
        .replacen(SENDERS, &format!("{SENDERS}  - {sender}\n"), 1)
}

const SENDER: &str = "{ name: archive, chain: archive, tag: { all: archive } }";

#[test]
fn what_is_right() {
    for filters in [
        &["add_route: { sender: archive }"][..],
        &["add_route: { sender: archive, mode: delivered }"],
        &["add_route: { sender: archive, mode: stored }"],
        &[
            "add_route: { sender: archive, mode: stored }",
            "add_route: { sender: archive, tag: all }",
        ],
    ] {
        let warnings = check(&with(filters, SENDER)).unwrap().to_string();
        // Only the filter uses the sender.
        assert_eq!(warnings, "", "{filters:?}");
    }
    let unused = check(&with(&[], SENDER)).unwrap().to_string();
    assert!(unused.contains("nothing uses sender `archive`"), "{unused}");
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let only_tagged = "{ name: archive, tag: { all: archive } }";
    for (sender, filter, words) in [
        (SENDER, "add_route", &["`sender` is missing"][..]),
        (SENDER, "add_route: { sender: [archive] }", &["add_route"]),
        (
            SENDER,
            "add_route: { sender: archiv }",
            &["unknown sender `archiv`", "`archive`?"],
        ),
        (
            SENDER,
            "add_route: { sender: archive, tag: al }",
            &["unknown tag `al`", "`all`?"],
        ),
        (
            only_tagged,
            "add_route: { sender: archive }",
            &["has no chain without a tag", "`all`"],
        ),
        (
            SENDER,
            "add_route: { sender: archive, mode: store }",
            &["`stored`?"],
        ),
        (
            SENDER,
            "add_route: { sender: archive, moed: stored }",
            &["`mode`?"],
        ),
    ] {
        let text = with(&[filter], sender);
        let told = check(&text).unwrap_err();
        let place = format!("k.yaml:{}:", line_of(&text, "- add_route"));
        let is_told = told.contains(&place) && words.iter().all(|word| told.contains(word));
        assert!(is_told, "{filter}: {words:?} is not in\n{told}");
        let foreign = FOREIGN.iter().find(|word| told.contains(**word));
        assert_eq!(foreign, None, "{told}");
    }
    let twice = "add_route: { sender: archive }";
    let told = check(&with(&[twice, twice], SENDER)).unwrap_err();
    assert!(
        told.contains("chain `application` sends two copies to sender `archive`"),
        "{told}"
    );
}

#[test]
fn copies_that_come_back_are_a_mistake() {
    for mode in ["delivered", "stored"] {
        for (sender, name) in [
            // To the chain itself, and through another chain.
            ("submission", "application"),
            ("archive", "application"),
            ("archive", "archive"),
        ] {
            let filter = format!("add_route: {{ sender: {sender}, mode: {mode} }}");
            let back = "chain:\n  - { name: archive, filter: [add_route: { sender: submission }], \
                        endpoint: { smtp: { host: [\"127.0.0.1:3026\"] } } }\n";
            let text = with(&[&filter], SENDER).replacen(ARCHIVE, back, 1);
            let told = check(&text).unwrap_err();
            let circle = format!("chain `{name}` leads back to itself");
            assert!(told.contains(&circle), "{told}");
        }
    }
}

#[test]
fn a_copy_that_is_stored_needs_storage() {
    let filter = "add_route: { sender: archive, mode: stored }";
    let text = with(&[filter], SENDER);
    let start = text.find("storage:\n").unwrap();
    let end = start + text[start..].find("\n\n").unwrap();
    let without = format!("{}{}", &text[..start], &text[end..]);
    let told = check(&without).unwrap_err();
    let expected = "chain `application` stores copies, and no storage keeps the mail";
    assert!(told.contains(expected), "{told}");
}

/// If a listener may not relay, its copies may not either.
#[test]
fn copies_make_an_open_relay() {
    let application = "hostname: a.example\nstorage: memory\nnotification: { sender: out }\n\
        smtp_listener: [{ address: \"0.0.0.0:2525\", sender: in }]\n\
        sender: [{ name: in, chain: in }, { name: out, chain: out }]\n\
        chain:\n\
        - { name: in, FILTER, endpoint: { rest: { url: \"http://127.0.0.1:8002\" } } }\n\
        - { name: out, filter: [router: { rules: [dest_domain: { mx: true }] }], endpoint: { smtp: {} } }\n";
    let filter = "filter: [add_route: { sender: out }]";
    let told = check(&application.replace("FILTER", filter)).unwrap_err();
    assert!(
        told.contains("everybody could send mail to anywhere"),
        "{told}"
    );
    let router = "router: { rules: [address_list: { domains: [a.example] }] }";
    for filter in [
        "filter: []".to_owned(),
        format!("filter: [{router}, add_route: {{ sender: out }}]"),
        format!("filter: [add_route: {{ sender: out }}, {router}]"),
    ] {
        check(&application.replace("FILTER", &filter)).unwrap();
    }
}
