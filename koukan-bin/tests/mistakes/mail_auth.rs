//! In filters that sign messages.

use std::{fs, os::unix::fs::PermissionsExt};

use koukan_mail_auth::dkim::{Algorithm, SigningKey};

use super::*;

#[test]
fn in_what_is_asked_of_results() {
    let rule = |results: &str| {
        format!(
            "      - spf_check: {{ timeout: 5s }}\n      - policy_action:\n          match: {{ matcher: spf, \
            results: {results} }}\n          tag: spf\n          action: REJECT\n"
        )
    };
    check(&changed(BUILDER, &rule("[fail, softfail]"))).unwrap();
    let at = "match: { matcher: spf";
    told(&[
        (
            BUILDER,
            &rule("[failed]"),
            at,
            &["unknown result `failed`", "did you mean `fail`?"],
        ),
        (
            BUILDER,
            &rule("[permfail]").replace("matcher: spf", "matcher: dkim"),
            "match: { matcher: dkim",
            &["unknown result `permfail`", "there is `fail`, `neutral`"],
        ),
        (
            BUILDER,
            &rule("[fail], policy: refuse").replace("matcher: spf", "matcher: dmarc"),
            "match: { matcher: dmarc",
            &["`refuse` is not known here", "`reject`"],
        ),
        (
            BUILDER,
            "      - authentication_results: { authserv_id: \"a b\" }\n",
            "authserv_id: \"a b\"",
            &["filter `authentication_results`"],
        ),
        (
            BUILDER,
            &rule("[fail]").replace("      - spf_check: { timeout: 5s }\n", ""),
            at,
            &["spf"],
        ),
        (
            BUILDER,
            &rule("[passed]").replace("matcher: spf", "matcher: arc"),
            "match: { matcher: arc",
            &["unknown result `passed`", "did you mean `pass`?"],
        ),
        (
            BUILDER,
            &rule("[pass], domains: []")
                .replace("matcher: spf", "matcher: arc")
                .replace(
                    "- spf_check: { timeout: 5s }",
                    "- arc_check: { timeout: 5s }",
                ),
            "match: { matcher: arc",
            &["never matches", "add a domain"],
        ),
        (
            BUILDER,
            &rule("[pass], domains: [bücher.example]").replace("matcher: spf", "matcher: arc"),
            "match: { matcher: arc",
            &["`bücher.example` matches nothing", "xn--"],
        ),
        (
            BUILDER,
            "      - dmarc_check\n",
            "dmarc_check",
            &["has nothing to go by", "put `spf_check`, `dkim_check`"],
        ),
        (BUILDER, &rule("[]"), at, &["never matches", "softfail"]),
        (
            BUILDER,
            "      - spf_check: { time: 5s }\n",
            "time: 5s",
            &["filter `spf_check`", "no key `time`"],
        ),
    ]);
}

#[test]
fn in_keys_that_sign() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let (_, pem) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let good = write("good.pem", &pem, 0o600);
    let open = write("open.pem", &pem, 0o644);
    let none = write("none.pem", "hello", 0o600);
    let group = write("group.pem", &pem, 0o640);
    let filter = |keys: &str| format!("      - dkim_sign: {{ keys: [{keys}] }}\n");
    let key = |domain: &str, selector: &str, file: &str| {
        filter(&format!(
            "{{ domain: \"{domain}\", selector: \"{selector}\", file: \"{file}\" }}"
        ))
    };
    for file in [&good, &group] {
        let text = changed(BUILDER, &key("example.com", "s1.dkim", file));
        check(&text).unwrap();
    }
    let twice = format!("{{ domain: example.com, selector: s, file: \"{good}\" }}");
    let missing = format!("{good}.not");
    let cases = [
        (filter(""), "`koukan dkim-key` makes"),
        (key("example.com", "s", &missing), "cannot read"),
        (key("example.com", "s", &open), "chmod o="),
        (key("example.com", "s", &none), "BEGIN PRIVATE KEY"),
        (key("@example.com", "s", &good), "write `example.com`"),
        (key("b\u{fc}cher.example", "s", &good), "in ASCII"),
        (key("example.com", "a b", &good), "no selector"),
        (
            key("example.com", "s._domainkey", &good),
            "what stands before `._domainkey`",
        ),
        (
            filter(&format!("{twice}, {twice}")),
            "a key at s._domainkey.example.com already",
        ),
        (
            filter(&format!("{{ domain: example.com, file: \"{good}\" }}")),
            "`selector` is missing",
        ),
        (
            "      - dkim_sign: { key: [] }\n".to_owned(),
            "did you mean `keys`?",
        ),
    ];
    let rewriting =
        "      - send_as: { identities: { a: [example.com] }, unsuitable: rewrite_from }\n";
    let signing = key("example.com", "s", &good);
    check(&changed(BUILDER, &format!("{rewriting}{signing}"))).unwrap();
    told(&[(
        BUILDER,
        &format!("{signing}{rewriting}"),
        "send_as: {",
        &[
            "changes what `dkim_sign` before it",
            "put `dkim_sign` behind it",
        ],
    )]);
    // Signed parts must stay unchanged. Parts that are not signed may be changed, and fields that
    // are not sealed may be added.
    let change = |what: &str| format!("      - change_header: {{ {what} }}\n");
    let [subject, list] =
        ["Subject", "List-Id"].map(|name| format!("[{{ name: {name}, value: x }}]"));
    for (what, is_wrong) in [
        ("remove: [X-Tag]".to_owned(), false),
        (format!("add: {list}"), false),
        ("remove: [List-Id]".to_owned(), true),
        (format!("replace: {list}"), true),
        (format!("add: {subject}"), true),
    ] {
        check(&changed(BUILDER, &format!("{}{signing}", change(&what)))).unwrap();
        let after = format!("{signing}{}", change(&what));
        match is_wrong {
            false => drop(check(&changed(BUILDER, &after)).unwrap()),
            true => told(&[(
                BUILDER,
                &after,
                "change_header: {",
                &["changes what `dkim_sign` before it has signed"],
            )]),
        }
    }
    // The same holds for a chain that comes afterwards.
    let submission = "  - name: submission\n    filter:\n";
    let outgoing = "  - name: outgoing\n    filter:\n";
    let text = LOCAL.replacen(submission, &format!("{submission}{signing}"), 1);
    let text = text.replacen(
        outgoing,
        &format!("{outgoing}{}", change("remove: [To]")),
        1,
    );
    let told_of = check(&text).unwrap_err();
    assert!(
        told_of.contains("changes what `dkim_sign` of chain `submission` has signed"),
        "{told_of}"
    );
    for (filter, words) in &cases {
        told(&[(BUILDER, filter, "dkim_sign", &["filter `dkim_sign`", words])]);
    }
}
