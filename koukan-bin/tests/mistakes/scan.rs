//! In filters for scanners, and in rules about the scanners' results.

use super::*;

#[test]
fn in_what_scanners_are_asked() {
    let filter = |keys: &str| format!("      - clamav: {{ {keys} }}\n");
    let rule = |matcher: &str| {
        format!(
            "      - rspamd: {{ address: \"127.0.0.1:11333\", fail: open }}\n      - policy_action:\n          match: {{ {matcher} }}\n          \
             tag: spam\n          action: REJECT\n"
        )
    };
    check(&changed(
        BUILDER,
        &filter("address: \"unix:/run/clamd.ctl\", max_size: 10MiB"),
    ))
    .unwrap();
    check(&changed(
        BUILDER,
        &filter("address: [\"a:1\", \"b:1\"], next_after: 2s"),
    ))
    .unwrap();
    let good = "matcher: rspamd, actions: [\"add header\"], min_score: 6.5, symbols: [\"BAYES*\"]";
    check(&changed(BUILDER, &rule(good))).unwrap();
    let per_recipient = rule("matcher: rspamd, results: [spam]") + "          mode: PER_RCPT\n";
    told(&[
        (BUILDER, &filter(""), "clamav", &["address"]),
        (
            BUILDER,
            &filter("address: \"localhost\""),
            "address: \"localhost\"",
            &[
                "`localhost` is not an address",
                "unix:/run/clamav/clamd.ctl",
            ],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", fail: shut"),
            "fail: shut",
            &["`shut` is not known here", "`open`", "`closed`"],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", user: mail"),
            "user: mail",
            &["only `spamassassin`"],
        ),
        (
            BUILDER,
            &filter("address: []"),
            "address: []",
            &["the scanner is nowhere", "add an address"],
        ),
        (
            BUILDER,
            &filter("address: [\"a:1\", b]"),
            "address: [",
            &["`b` is not an address"],
        ),
        (
            BUILDER,
            &filter("address: [\"a:1\", \"a:1\"]"),
            "address: [",
            &["`a:1` is there twice"],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", next_after: 1s"),
            "next_after",
            &["there is no next address"],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", tls: true"),
            "tls: true",
            &["clamd speaks no TLS", "on this host"],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", ca_file: /etc/ca.pem"),
            "ca_file",
            &["without TLS that means nothing", "`tls: true`"],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", tls: true, ca_file: /nowhere/ca.pem")
                .replace("clamav", "rspamd"),
            "/nowhere/ca.pem",
            &["cannot read /nowhere/ca.pem"],
        ),
        (
            BUILDER,
            &filter("address: \"a:1\", time: 5s"),
            "time: 5s",
            &["no key `time`"],
        ),
        (
            BUILDER,
            &rule("matcher: rspamd, results: [spammy]"),
            "match: {",
            &["unknown result `spammy`", "did you mean `spam`?"],
        ),
        (
            BUILDER,
            &rule("matcher: rspamd, actions: [\"add headers\"]"),
            "match: {",
            &["unknown action `add headers`", "`add header`"],
        ),
        (
            BUILDER,
            &rule("matcher: rspamd, symbols: []"),
            "match: {",
            &["never matches"],
        ),
        (
            BUILDER,
            &rule("matcher: clamav, actions: [reject]"),
            "match: {",
            &["only rspamd asks for actions"],
        ),
        (
            BUILDER,
            &rule("matcher: clamav, min_score: 1"),
            "match: {",
            &["ClamAV gives no scores"],
        ),
        (
            BUILDER,
            &rule("matcher: clamav, results: [infected]"),
            "match: {",
            &["nothing before this rule finds out `clamav`", "`rspamd`"],
        ),
        (
            BUILDER,
            &per_recipient,
            "match: {",
            &["`rspamd` is found out with the message"],
        ),
    ]);
}
