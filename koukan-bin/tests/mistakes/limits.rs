//! In filters that limit what a client or sender may do.

use super::*;

#[test]
fn in_limits_lists_and_grey_lists() {
    let filter = |text: &str| format!("      - {text}\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("greylist").display().to_string();
    for good in [
        format!("greylist: {{ file: \"{file}\", min: 1m }}"),
        "greylist".to_owned(),
        "rate_limit: { limits: [{ by: [identity, rcpt_domain], rate: 10/m }] }".to_owned(),
        "dnsbl: { zones: [{ zone: bl.example, of: helo, codes: 127.0.0.2 }] }".to_owned(),
    ] {
        check(&changed(BUILDER, &filter(&good))).unwrap();
    }
    // The check creates no file.
    assert!(!folder.path().join("greylist").exists());
    let mistakes: [(&str, &str, &[&str]); 16] = [
        (
            "rate_limit: { limits: [] }",
            "limits: []",
            &["limits nothing"],
        ),
        (
            "rate_limit: { limits: [{ by: network, rate: 10/m }] }",
            "by: network",
            &["nothing is counted by `network`", "`network_address`"],
        ),
        (
            "rate_limit: { limits: [{ by: rcpt_to, rate: 10/m, of: messages }] }",
            "of: messages",
            &["leave `of` out"],
        ),
        (
            "rate_limit: { limits: [{ by: sender, rate: 10 a minute }] }",
            "rate: 10 a",
            &["is not a rate"],
        ),
        (
            "rate_limit: { limits: [{ by: sender, rate: 1/s, max_keys: 10000001 }] }",
            "max_keys",
            &["too much memory"],
        ),
        ("dnsbl: { zones: [] }", "zones: []", &["asks nobody"]),
        (
            "dnsbl: { zones: [{ zone: bl.example. }] }",
            "zone: bl",
            &["without the dot"],
        ),
        (
            "dnsbl: { zones: [{ zone: bl.example, weight: 0 }] }",
            "weight: 0",
            &["changes nothing"],
        ),
        (
            "dnsbl: { zones: [{ zone: bl.example, codes: [listed] }] }",
            "codes: [listed]",
            &["`listed` is no answer", "127.0.0.2"],
        ),
        (
            "dnsbl: { zones: [{ zone: bl.example, of: server }] }",
            "of: server",
            &["`server` is not known here", "`mail_from`"],
        ),
        (
            "dnsbl: { zones: [{ zone: bl.example }], refuse: false, threshold: 3 }",
            "threshold: 3",
            &["leave `threshold` out"],
        ),
        (
            "greylist: { min: 2d }",
            "min: 2d",
            &["nobody can come back in time"],
        ),
        (
            "greylist: { known_after: 0 }",
            "known_after: 0",
            &["everybody is known"],
        ),
        (
            "greylist: { file: /nowhere/at/all }",
            "file: /nowhere",
            &["cannot write /nowhere/at/all"],
        ),
        (
            "greylist: { max_entries: 10000001 }",
            "max_entries",
            &["too much memory"],
        ),
        (
            "greylist: { minimum: 5m }",
            "minimum: 5m",
            &["no key `minimum`"],
        ),
    ];
    for (text, at, words) in mistakes {
        told(&[(BUILDER, &filter(text), at, words)]);
    }
    let rule = "policy_action:\n          match: { matcher: dnsbl, min_score: 1 }\n          \
                tag: lists\n          action: REJECT\n";
    let nothing = ["nothing before this rule finds out `dnsbl`"];
    told(&[(BUILDER, &filter(rule), "match: {", &nothing)]);
}

#[test]
fn in_lists_of_servers() {
    let rule = |keys: &str| {
        format!(
            "      - policy_action:\n          match: {{ matcher: network_address, {keys} }}\n          \
             tag: ours\n          action: LOG\n"
        )
    };
    check(&changed(
        BUILDER,
        &rule("url: \"https://lists.example.com/a\", refresh: 1h"),
    ))
    .unwrap();
    for (keys, words) in [
        ("url: \"lists\"", "`lists` is no URL"),
        (
            "url: \"http://lists.example.com/a\"",
            "begin `http://lists.example.com/a` with `https:`",
        ),
        (
            "url: \"https://l.example/\", cidr: 10.0.0.0/8",
            "`cidr` and `url` are both there",
        ),
        (
            "url: \"https://l.example/\", file: /a/list",
            "`file` and `url` are both there",
        ),
        (
            "cidr: 10.0.0.0/8, refresh: 1h",
            "only a list with a `url` has that",
        ),
    ] {
        told(&[(BUILDER, &rule(keys), "match: {", &[words])]);
    }
}

#[test]
fn of_two_grey_lists_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let filter = |name: &str| {
        let file = folder.path().join(name);
        format!("      - greylist: {{ file: \"{}\" }}\n", file.display())
    };
    let told = |second: &str| {
        let text = changed(BUILDER, &filter("one"));
        let text = text.replacen("      - message_parser\n", &filter(second), 1);
        check(&text).unwrap().to_string()
    };
    let of_one = told("one");
    assert!(of_one.contains("is of another grey list, too"), "{of_one}");
    let of_two = told("other");
    assert!(!of_two.contains("grey list"), "{of_two}");
}

#[test]
fn of_two_lists_that_are_kept_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let kept = |name: &str| folder.path().join(name).display().to_string();
    let rule = |tag: &str, url: &str, file: &str| {
        format!(
            "      - policy_action: {{ tag: {tag}, match: {{ any: [{{ matcher: address_list, url: \"https://{url}/list\", \
             kept_in: \"{file}\" }}] }} }}\n"
        )
    };
    let first = rule("one", "a.example", &kept("list"));
    let text = |second: &str| changed(BUILDER, &format!("{first}{second}"));
    check(&text(&rule("two", "b.example", &kept("other")))).unwrap();
    // The same list may be named twice.
    check(&text(&rule("two", "a.example", &kept("list")))).unwrap();
    // An earlier check leaves nothing behind in the registry.
    let registry = Registry::default();
    for url in ["a.example", "b.example"] {
        let text = changed(BUILDER, &rule("one", url, &kept("list")));
        Config::parse(Path::new("k.yaml"), &text, &registry).unwrap();
    }
    let second = rule("two", "b.example", &kept("./list"));
    let text = text(&second);
    let told = check(&text).unwrap_err();
    let place = format!("k.yaml:{}:", line_of(&text, "tag: two"));
    assert!(told.starts_with(&place), "{told}");
    for words in [
        "is the file of the list at `https://a.example/list`, too",
        "name a file for each of them",
    ] {
        assert!(told.contains(words), "{told}");
    }
}
