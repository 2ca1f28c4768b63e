//! In rules that find hosts by names, and in rules about results from the DNS.

use super::{
    policies::{FROM, rule},
    *,
};

const HOSTS: &str = "static_hosts: [\"127.0.0.1:3025\"]";

#[test]
fn within_suffixes_and_literals() {
    let mistakes: &[(&str, &str, &[&str])] = &[
        (
            "suffix: { suffix: .a.example }",
            "suffix:",
            &["name `hosts`", "`replace_by`"],
        ),
        (
            "suffix: { hosts: [\"a:25\"] }",
            "suffix:",
            &["`suffix` is missing"],
        ),
        (
            "suffix: { suffix: .a.example, hosts: [\"a:25\"], replace_by: .b }",
            "replace_by: .b",
            &["exclude each other"],
        ),
        (
            "suffix: { suffix: .a.example, hosts: [\"a:25\"], mx: true }",
            "mx: true",
            &["does nothing without `replace_by`"],
        ),
        (
            "suffix: { suffix: a@b.example, hosts: [\"a:25\"] }",
            "suffix: a@b.example",
            &["the end of no domain", "`.example.com`"],
        ),
        (
            "suffix: { suffix: .example., hosts: [\"a:25\"] }",
            "suffix: .example.",
            &["write `.example`"],
        ),
        (
            "suffix: { suffix: \"\", replace_by: .b.example }",
            "suffix: \"\"",
            &["name the end of domains"],
        ),
        (
            "literal: { networks: [] }",
            "networks: []",
            &["add a network"],
        ),
        (
            "literal: { networks: [192.0.2.0/33] }",
            "192.0.2.0/33",
            &["no network, as in `192.0.2.0/24`"],
        ),
        (
            "literal: { network: [] }",
            "network:",
            &["did you mean `networks`?"],
        ),
    ];
    let mistakes: Vec<Mistake<'_>> = mistakes
        .iter()
        .map(|(rule, at, words)| (HOSTS, *rule, *at, *words))
        .collect();
    told(&mistakes);
}

#[test]
fn within_what_rules_ask_of_the_dns() {
    let rules: &[(&str, &str, &[&str])] = &[
        (
            "{ match: { matcher: remote_host }, tag: t }",
            "policy_action",
            &["name `status`, `fcrdns` or `ehlo_alignment`"],
        ),
        (
            "{ match: { matcher: remote_host, status: ok }, tag: t }",
            "policy_action",
            &["unknown result `ok`", "`NX`, `OK`, `TEMP`"],
        ),
        (
            "{ match: { matcher: remote_host, fcrdns: true }, tag: t }",
            "policy_action",
            &["nothing before this rule finds out `remote_host`"],
        ),
        (
            "{ match: { matcher: dns_resolution }, tag: t }",
            "policy_action",
            &["name `mail_result`"],
        ),
        (
            "{ match: { matcher: dns_resolution, mail_result: [] }, tag: t }",
            "policy_action",
            &["it never matches"],
        ),
        (
            "{ match: { matcher: dns_resolution, mail_result: NX, rcpt_result: NX }, tag: t }",
            "policy_action",
            &["two things"],
        ),
        (
            "{ match: { matcher: dns_resolution, rcpt_result: NX }, tag: t, mode: PER_RCPT }",
            "policy_action",
            &["nothing before this rule finds out `dns_resolution.recipient`"],
        ),
    ];
    for (text, at, words) in rules {
        told(&[(FROM, &rule(text), at, words)]);
    }
}
