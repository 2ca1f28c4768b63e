//! In filters of scanners, and in rules that ask what these have said.

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
    let good = "matcher: rspamd, actions: [\"add header\"], min_score: 6.5, symbols: [\"BAYES*\"]";
    check(&changed(BUILDER, &rule(good))).unwrap();
    let per_recipient = rule("matcher: rspamd, results: [spam]") + "          mode: PER_RCPT\n";
    told(&[
        (BUILDER, &filter(""), "clamav", &["address"]),
        (
            BUILDER,
            &filter("address: \"localhost\""),
            "address: \"localhost\"",
            &["`localhost` is no address", "unix:/run/clamav/clamd.ctl"],
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
