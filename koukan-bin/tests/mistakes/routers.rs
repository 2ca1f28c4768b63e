//! In the rules of routers, and in several routers of one chain.

use super::*;

#[test]
fn in_lists_of_hosts_with_weights() {
    told(&[
        (
            HOSTS,
            &format!("host_list: [{{ host: \"a.example:25\" }}]\n            - {HOSTS}"),
            HOSTS,
            &["rule 2 never decides", "rule 1"],
        ),
        (
            HOSTS,
            "host_list: []",
            "host_list",
            &["there is no host", "weight: 1"],
        ),
        (
            HOSTS,
            "host_list: [{ host: \"a.example:25\", weight: 0 }]",
            "host_list",
            &["each of them is a reserve"],
        ),
        (
            HOSTS,
            "host_list: [{ host: \"a.example:25\" }, { host: \"A.example:25\", weight: 2 }]",
            "host_list",
            &["there twice", "add its weights"],
        ),
    ]);
}

#[test]
fn aliases_and_routers_in_a_row_that_cannot_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (good, circle) = (
        file("good", "a@example.com: b@example.com\n"),
        file("circle", "a@x: b@x\nb@x: a@x\n"),
    );
    let outgoing = "      - router:\n          rules:\n            - static_hosts: [\"127.0.0.1:3025\"]\n    endpoint:\n      smtp: {}\n\n  # Mail for an";
    let ingress = "      - router:\n          rules:\n            - address_list: { domains: [example.com] }\n";
    for (from, to, expected) in [
        (
            ingress,
            format!(
                "      - router:\n          rules:\n            - aliases: {{ file: \"{circle}\" }}\n            - address_list: {{ domains: [example.com] }}\n"
            ),
            "leads back to itself",
        ),
        (
            ingress,
            format!(
                "      - router:\n          rules:\n            - aliases: {{ file: \"{good}.not\" }}\n            - address_list: {{ domains: [example.com] }}\n"
            ),
            "cannot read",
        ),
        (
            ingress,
            format!(
                "      - router: {{ rules: [address_list: {{ domains: [a.example] }}] }}\n{ingress}"
            ),
            "the first leaves nothing to the second",
        ),
        (
            outgoing,
            outgoing.replacen(
                "rules:\n",
                &format!("rules:\n            - aliases: {{ file: \"{good}\" }}\n"),
                1,
            ),
            "the chain does not end in an exploder",
        ),
    ] {
        assert!(LOCAL.contains(from), "{from}");
        let told = check(&LOCAL.replacen(from, &to, 1)).unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
    for fine in [
        format!(
            "      - router:\n          rules:\n            - aliases: {{ file: \"{good}\" }}\n            - address_list: {{ domains: [example.com] }}\n"
        ),
        format!(
            "      - router: {{ others: pass, rules: [address_list: {{ domains: [a.example] }}] }}\n{ingress}"
        ),
        format!(
            "      - router: {{ dry_run: true, rules: [address_list: {{ domains: [a.example] }}] }}\n{ingress}"
        ),
    ] {
        let warnings = check(&LOCAL.replacen(ingress, &fine, 1)).unwrap();
        assert!(warnings.problems().is_empty(), "{warnings}");
    }
}

#[test]
fn in_rules_that_hand_over_to_senders() {
    let rule = |keys: &str| {
        format!("address_list: {{ domains: [example.com], {keys} }}\n            - {HOSTS}")
    };
    // The first chain with that rule is the one for applications.
    check(&changed(HOSTS, &rule("sender: ingress, tag: smtp-mx"))).unwrap();
    for (keys, at, words) in [
        (
            "sender: ingress, hosts: [\"a:25\"]",
            HOSTS,
            "leave `hosts` and `reject` out",
        ),
        (
            "sender: ingress, reject: no_such_user",
            HOSTS,
            "leave `hosts` and `reject` out",
        ),
        ("tag: smtp-mx", HOSTS, "name that, too"),
        (
            "sender: ingres, tag: smtp-mx",
            HOSTS,
            "did you mean `ingress/smtp-mx`",
        ),
        ("sender: ingress", HOSTS, "which has no chain"),
        ("sender: submission", HOSTS, "leads back to itself"),
        (
            "sender: ingress, tag: smtp-mx",
            DOMAINS,
            "put the rule into the chain of the sender",
        ),
    ] {
        let text = match at == DOMAINS {
            true => changed(
                DOMAINS,
                &format!("address_list: {{ domains: [example.com], {keys} }}"),
            ),
            false => changed(HOSTS, &rule(keys)),
        };
        let told = check(&text).unwrap_err();
        assert!(told.contains(words), "{keys}: {told}");
        assert!(!FOREIGN.iter().any(|word| told.contains(word)), "{told}");
    }
}
