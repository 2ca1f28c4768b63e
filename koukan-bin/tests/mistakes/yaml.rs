//! Text that is not valid YAML, and values of the wrong shape.

use super::*;

#[test]
fn what_is_no_yaml() {
    told(&[
        (
            "  sqlite: data",
            "\tsqlite: data",
            "\tsqlite",
            &["TAB", "help: indent with spaces"],
        ),
        (
            INGRESS,
            "address: \"127.0.0.1:1025",
            "address: \"127.0.0.1:1025,",
            &["quote is opened here"],
        ),
        (
            HOSTNAME,
            "hostname: 'koukan.localdomain\n",
            "hostname: '",
            &["quote is opened here"],
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: outgoing",
            "notification: {",
            &["bracket is opened here", "add `}`"],
        ),
        (
            HOSTS,
            "static_hosts: [\"127.0.0.1:3025\"",
            HOSTS_OPEN,
            &["bracket is opened here", "add `]`"],
        ),
        (
            HOSTNAME,
            "hostname: @example\n",
            "hostname: @",
            &["cannot begin with `@`", "quotes"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite: *db",
            "sqlite: *db",
            &["`*`", "quotes"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite:data/x",
            "sqlite:data/x",
            &["a blank after the colon"],
        ),
        (
            "sqlite: data/koukan.sqlite",
            "sqlite data/x",
            "sqlite data/x",
            &["is no storage"],
        ),
        (
            HOSTNAME,
            "hostname: mx: example\n",
            "hostname: mx",
            &["a colon and a blank", "quotes"],
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: outgoing }}",
            "outgoing }}",
            &["closed here that was not opened"],
        ),
        (
            SUBMISSION,
            "",
            "    endpoint:\n\n  # Mail of",
            &["is missing"],
        ),
        (
            "chain:\n  - name: ingress",
            "---\nchain:\n  - name: ingress",
            "---\nchain",
            &["more than one document"],
        ),
    ]);
}

const HOSTS_OPEN: &str = "static_hosts: [\"127.0.0.1:3025\"\n";

#[test]
fn a_file_with_nothing_in_it() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "\u{feff}"] {
        let told = check(text).unwrap_err();
        assert!(told.contains("the file is empty"), "{told}");
    }
    let with_directive = format!("%YAML 1.2\n---\n{LOCAL}");
    check(&with_directive).unwrap();
    for text in ["hello\n", "- a\n- b\n", "5\n"] {
        let told = check(text).unwrap_err();
        assert!(told.contains("a mapping is expected"), "{told}");
    }
}

#[test]
fn keys_and_the_shape_of_values() {
    told(&[
        (
            HOSTNAME,
            "hostname: a.example\nhostname: b.example\n",
            "hostname: b",
            &["`hostname` is there twice"],
        ),
        (
            HOSTNAME,
            "hostname: [a]\n",
            "hostname: [",
            &["single value"],
        ),
        (
            HOSTNAME,
            "hostname: { a: b }\n",
            "hostname: {",
            &["single value"],
        ),
        (
            HOSTNAME,
            "hostname:\n",
            "hostname:\n",
            &["the value is missing"],
        ),
        (
            HOSTNAME,
            "",
            "",
            &[
                "`hostname` is missing",
                "help: add `hostname: mx.example.com`",
            ],
        ),
        (
            HOSTNAME,
            "hostnam: x\nhostname: y\n",
            "hostnam: ",
            &["no key `hostnam`", "did you mean `hostname`?"],
        ),
        (
            "notification: { sender: outgoing }",
            "notification: outgoing",
            "notification: outgoing",
            &["mapping is expected"],
        ),
        (
            "notification: { sender: outgoing }\n",
            "",
            "  - name: ingress",
            &[
                "`notification` is missing: chain `ingress` promises to deliver",
                "help: add `notification: { sender: NAME }`",
            ],
        ),
        (
            "  - { name: outgoing, chain: outgoing }",
            "  - outgoing",
            "  - outgoing",
            &["mapping is expected"],
        ),
        (
            "tag: { smtp-mx: ingress }",
            "tag: [smtp-mx]",
            "tag: [",
            &["mapping is expected"],
        ),
        (
            "      exploder: { policy: submission",
            "      explod: { policy: submission",
            "explod: {",
            &["did you mean `exploder`?"],
        ),
        (
            SUBMISSION,
            "      exploder: { sender: outgoing }\n",
            "exploder: { sender",
            &["`policy` is missing"],
        ),
        (
            SUBMISSION,
            "      exploder: { policy: submission, sender: outgoing }\n      smtp: {}\n",
            "      smtp: {}\n\n  # Mail of",
            &["one too many"],
        ),
        (
            "    endpoint:\n      exploder: { policy: submission, sender: outgoing }\n",
            "",
            "  - name: submission\n    filter",
            &["`endpoint` is missing"],
        ),
        (
            "  - name: submission\n    filter",
            "  - filter",
            "  - filter:\n      - received_header\n    endpoint:\n      exploder: { policy: submission",
            &["`name` is missing"],
        ),
        (
            HOSTNAME,
            "hostname: a b\n",
            "hostname: a b",
            &["not a host name"],
        ),
    ]);
}

#[test]
fn what_is_missing_at_the_end_of_the_file_is_told_where_the_file_ends() {
    let end = LOCAL.trim_end();
    let last = end.rsplit('\n').next().unwrap();
    let lines = end.matches('\n').count() + 1;
    let name = "\n  - name: late\n    endpoint: exploder\n";
    let told = check(&format!("{end}{name}")).unwrap_err();
    assert!(
        told.starts_with(&format!("k.yaml:{}:", lines + 2)),
        "{told}"
    );
    assert!(!last.is_empty());
}

#[test]
fn what_is_missing_at_the_top_is_told_all_at_once() {
    let told = check("storage: memory\n").unwrap_err();
    for key in ["hostname", "sender", "chain"] {
        let problem = format!("k.yaml: `{key}` is missing\n        help: add `{key}: ");
        assert!(told.contains(&problem), "{problem}: {told}");
    }
    // If only the host name is missing, the rest is checked.
    let text = changed(HOSTNAME, "").replace("notification: { sender: outgoing }\n", "");
    let told = check(&text).unwrap_err();
    for problem in ["`hostname` is missing", "`notification` is missing"] {
        assert!(told.contains(problem), "{problem}: {told}");
    }
    // What is missing below the top, too.
    let told = check("sender:\n  - { chain: out }\n").unwrap_err();
    for key in ["hostname", "chain", "name"] {
        assert!(
            told.contains(&format!("`{key}` is missing")),
            "{key}: {told}"
        );
    }
}
