//! In the rules of policies.

use super::*;

/// The rule comes before the router of the chain `ingress`.
pub(crate) fn rule(text: &str) -> String {
    format!("      - router:\n          rules:\n            - {DOMAINS}\n").replacen(
        "      - router",
        &format!("      - policy_action: {text}\n      - router"),
        1,
    )
}

pub(crate) const FROM: &str =
    "      - router:\n          rules:\n            - address_list: { domains: [example.com] }\n";

#[test]
fn within_policies() {
    let mistakes: &[(&str, &str, &[&str])] = &[
        (
            "{}",
            "policy_action",
            &["filter `policy_action`", "`tag` is missing"],
        ),
        (
            "{ tag: \"a b\" }",
            "policy_action",
            &["cannot be the `tag`"],
        ),
        (
            "{ tag: t, name: \"\" }",
            "policy_action",
            &["cannot be the `name`"],
        ),
        (
            "{ tag: t, actoin: LOG }",
            "policy_action",
            &["did you mean `action`?"],
        ),
        (
            "{ tag: t, action: reject }",
            "policy_action",
            &["did you mean `REJECT`?"],
        ),
        (
            "{ tag: t, action: BOUNCE }",
            "policy_action",
            &["`REJECT`", "`DEFER`", "`TAG`"],
        ),
        ("{ tag: t, action: [] }", "policy_action", &["add one"]),
        (
            "{ tag: t, action: [REJECT] }",
            "policy_action",
            &["`[0.1, REJECT]`"],
        ),
        (
            "{ tag: t, action: [[0, REJECT]] }",
            "policy_action",
            &["above 0"],
        ),
        (
            "{ tag: t, mode: per_rcpt }",
            "policy_action",
            &["`PER_RCPT`"],
        ),
        (
            "{ tag: t, code: 550 }",
            "policy_action",
            &["`code` is of no use"],
        ),
        (
            "{ tag: t, action: LOG, message: nope }",
            "policy_action",
            &["`message` is of no use"],
        ),
        (
            "{ tag: t, action: REJECT, code: 250 }",
            "policy_action",
            &["250 refuses nothing", "400 to 599"],
        ),
        (
            "{ tag: t, action: DEFER, code: 550 }",
            "policy_action",
            &["550 refuses nothing", "400 to 499"],
        ),
        (
            "{ tag: t, action: REJECT, code: 450, message: 5.1.3 bad address }",
            "policy_action",
            &["`5.1.3` does not fit the code 450", "begins with 4"],
        ),
        (
            "{ tag: t, action: REJECT, message: 5.1.3 }",
            "policy_action",
            &["say why"],
        ),
        (
            "{ tag: t, match: tls }",
            "policy_action",
            &["a mapping is expected"],
        ),
        (
            "{ tag: t, match: {} }",
            "policy_action",
            &["leave `match` out"],
        ),
        (
            "{ tag: t, match: { al: [] } }",
            "policy_action",
            &["there is no `al`", "`all`"],
        ),
        (
            "{ tag: t, match: { all: [] } }",
            "policy_action",
            &["add one"],
        ),
        (
            "{ tag: t, match: { any: { matcher: tls } } }",
            "policy_action",
            &["`any` needs a list"],
        ),
        (
            "{ tag: t, match: { not: { matcher: tls }, all: [{ matcher: tls }] } }",
            "policy_action",
            &["only one of", "put them into `all"],
        ),
        (
            "{ tag: t, match: { matcher: network_adress, cidr: 10.0.0.0/8 } }",
            "policy_action",
            &["did you mean `network_address`?"],
        ),
        (
            "{ tag: t, match: { matcher: spam } }",
            "policy_action",
            &["unknown matcher `spam`", "`smtp_auth`"],
        ),
        (
            "{ tag: t, match: { matcher: network_address, cidr: 10.0.0.0/40 } }",
            "policy_action",
            &["`10.0.0.0/40` is no network"],
        ),
        (
            "{ tag: t, match: { matcher: network_address, cidr: [] } }",
            "policy_action",
            &["add a network"],
        ),
        (
            "{ tag: t, match: { matcher: network_address } }",
            "policy_action",
            &["`cidr` is missing"],
        ),
        (
            "{ tag: t, match: { matcher: tls, version: 1 } }",
            "policy_action",
            &["no key `version`"],
        ),
        (
            "{ tag: t, match: { not: { any: [{ matcher: num_rcpts, max_rcpts: 10 }] } } }",
            "policy_action",
            &["single recipients", "`mode: PER_RCPT`"],
        ),
        (
            "{ tag: t, mode: PER_RCPT, match: { matcher: num_rcpts, max_rcpts: 0 } }",
            "policy_action",
            &["name 1 or more"],
        ),
        (
            "{ tag: t, match: { matcher: address_list } }",
            "policy_action",
            &["knows every address"],
        ),
        (
            "{ tag: t, match: { matcher: address_list, domains: [\"@example.com\"] } }",
            "policy_action",
            &["write `example.com`"],
        ),
        (
            "{ tag: t, match: { matcher: address_list, which_addr: header, domains: [a.example] } }",
            "policy_action",
            &["`rcpt_to`"],
        ),
        (
            "{ tag: t, match: { matcher: signal, name: spf, pointer: result } }",
            "policy_action",
            &["write `/result`"],
        ),
        (
            "{ tag: t, match: { matcher: signal, name: spf, values: [] } }",
            "policy_action",
            &["leave `values` out"],
        ),
        (
            "{ tag: t, match: { matcher: policy_action, tag: a, rule: b } }",
            "policy_action",
            &["and not both"],
        ),
        (
            "{ tag: t, match: { matcher: header, name: \"Subject:\" } }",
            "policy_action",
            &["write `Subject`"],
        ),
        (
            "{ tag: t, match: { matcher: header, name: Subject, value: a, prefix: b } }",
            "policy_action",
            &["`value` and `prefix` are both there"],
        ),
        (
            "{ tag: t, match: { matcher: header, name: Subject, pattern: [a, \"\"] } }",
            "policy_action",
            &["every field is like that"],
        ),
        (
            "{ tag: t, match: { matcher: header, name: Subject, value: [] } }",
            "policy_action",
            &["add a text"],
        ),
        (
            "{ tag: t, mode: PER_RCPT, match: { matcher: header, name: Subject } }",
            "policy_action",
            &["leave `mode` out"],
        ),
        (
            "{ tag: t, match: { matcher: address_list, file: /nowhere/list } }",
            "policy_action",
            &["cannot read /nowhere/list"],
        ),
        (
            "{ tag: t, match: { matcher: network_address, file: /nowhere/list, cidr: \"::1\" } }",
            "policy_action",
            &["make two matchers of them"],
        ),
        (
            "{ tag: t, match: { matcher: rate, by: mail_form, rate: 10/h } }",
            "policy_action",
            &[
                "nothing is counted by `mail_form`",
                "did you mean `mail_from`?",
            ],
        ),
        (
            "{ tag: t, match: { matcher: rate, by: [], rate: 10/h } }",
            "policy_action",
            &["add `mail_from`"],
        ),
        (
            "{ tag: t, match: { matcher: rate, by: identity, rate: 0/h } }",
            "policy_action",
            &["nothing would ever go"],
        ),
        (
            "{ tag: t, match: { matcher: rate, by: rcpt_to, rate: 1/h } }",
            "policy_action",
            &["single recipients", "`mode: PER_RCPT`"],
        ),
        (
            "{ tag: t, match: { matcher: signal, name: spf } }",
            "policy_action",
            &[
                "nothing before this rule finds out `spf`",
                "put the filter that does before",
            ],
        ),
        (
            "{ tag: t, match: { matcher: policy_action, rule: r } }",
            "policy_action",
            &["no rule before this one is called `r`"],
        ),
    ];
    let texts: Vec<_> = mistakes.iter().map(|(text, ..)| rule(text)).collect();
    let all = mistakes.iter().zip(&texts);
    let all: Vec<_> = all
        .map(|((_, at, words), text)| (FROM, &**text, *at, *words))
        .collect();
    told(&all);
}

#[test]
fn rules_that_are_right() {
    for text in [
        "{ tag: t }",
        "{ tag: t, name: n-1.x_Y, action: LOG }",
        "{ tag: t, action: [[0.1, REJECT], [9.9, LOG]], code: 421, message: 4.7.0 later }",
        "{ tag: t, action: REJECT, code: 501, message: 5.1.3 Bad mailbox address syntax }",
        "{ tag: t, action: REJECT, message: rcpt_to dns nxdomain/nullmx }",
        "{ tag: t, match: { not: { matcher: smtp_tls } }, action: LOG }",
        "{ tag: t, match: { matcher: network_address, cidr: [10.0.0.0/8, \"::1\"] } }",
        "{ tag: t, match: { matcher: smtp_auth, identities: [alice] } }",
        "{ tag: t, mode: PER_RCPT, match: { matcher: invalid_rcpt_to }, action: DEFER }",
        "{ tag: r }\n      - policy_action: { tag: t, match: { all: [{ matcher: policy_action, rule: r }, { matcher: invalid_mail_from }] } }",
        "{ tag: r }\n      - policy_action: { tag: t, match: { matcher: signal, name: policy.tag.r, pointer: /x, values: [pass, 1, null] } }",
        "{ tag: t, match: { any: [{ matcher: header, name: Subject, pattern: \"*lottery*\" }, { matcher: header, name: Date, absent: true }] } }",
        "{ tag: t, match: { not: { matcher: address_list, which_addr: header_from, domains: [a.example] } } }",
        "{ tag: t, match: { matcher: rate, by: [identity, network_address], rate: 100/h } }",
        "{ tag: t, mode: PER_RCPT, match: { matcher: rate, by: rcpt_domain, rate: 100/h, max_keys: 10 } }",
        // The rules of a tag after one that refuses everything have no effect; those before it
        // have.
        "{ tag: t, match: { matcher: tls } }\n      - policy_action: { tag: t, action: REJECT }\n      - policy_action: { tag: u }",
        "{ tag: t, action: [[1, REJECT], [1, LOG]] }\n      - policy_action: { tag: t }",
        "{ tag: t, mode: PER_RCPT, action: REJECT }\n      - policy_action: { tag: t }",
    ] {
        check(&changed(FROM, &rule(text))).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}
