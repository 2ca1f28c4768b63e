//! The addresses of listeners, their names, and their tokens.

use super::*;

/// The API's listener with these settings.
fn api(settings: &str) -> String {
    format!("- {{ address: \"127.0.0.1:8000\", {settings} }}")
}

const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Each of these settings of the listener causes an error with these words.
#[track_caller]
fn told_of_api(cases: &[(&str, &[&str])]) {
    for (settings, words) in cases {
        let to = api(&settings.replace("HASH", HASH));
        told(&[(API, &to, "127.0.0.1:8000", words)]);
    }
}

#[test]
fn unix_sockets() {
    let smtp = "address: \"127.0.0.1:1025\"";
    for (settings, words) in [
        (
            "address: \"unix:smtp\"",
            ["begins with `/`", "unix:/run/koukan/smtp"],
        ),
        ("address: \"/run/smtp\"", ["127.0.0.1", "unix:"]),
        (
            "address: \"socket:a:b\"",
            ["invalid name of a socket", "no colon"],
        ),
        (
            "address: \"socket:smtp\", socket: { mode: \"0600\" }",
            ["socket:smtp is no Unix socket", "name a path"],
        ),
        (
            "address: \"127.0.0.1:1025\", socket: { mode: \"0600\" }",
            ["`socket` is of no use", "name a path"],
        ),
        (
            "address: \"unix:/run/s\", socket: { mode: \"rw\" }",
            ["no permissions in octal", "0660"],
        ),
        (
            "address: \"unix:/run/s\", socket: { group: nobody-is-called-so }",
            ["there is no group `nobody-is-called-so`", "socket:"],
        ),
        (
            "address: \"unix:/run/s\", clients: [\"192.0.2.0/24\"]",
            ["nobody could connect", "`clients`"],
        ),
    ] {
        told(&[(smtp, settings, settings, &words)]);
    }
    let twice = "address: \"unix:/run/s\", sender: ingress }\n  - { address: \"unix:/run/s\"";
    let text = changed(smtp, twice);
    let error = check(&text).unwrap_err();
    assert!(
        error.contains("unix:/run/s is listened on twice"),
        "{error}"
    );
    let fine = "address: \"unix:/run/s\", socket: { mode: \"0666\", group: \"12\" }";
    check(&changed(smtp, fine)).unwrap();
    let twice = "address: \"socket:s\", sender: ingress }\n  - { address: \"socket:s\"";
    let error = check(&changed(smtp, twice)).unwrap_err();
    assert!(error.contains("give one of them another name"), "{error}");
}

#[test]
fn names_of_the_listener() {
    told_of_api(&[
        (
            "cors_origin: [\"*\"]",
            &["any web page", "name each origin"],
        ),
        ("cors_origin: [app.example]", &["not a web origin"]),
        (
            "cors_origin: [\"https://app.example/x\"]",
            &["without a path"],
        ),
        (
            "cors_origin: [\"https://a.example\", \"\"]",
            &["not a web origin"],
        ),
        ("base_url: mail.example.com", &["not a URL"]),
        ("base_url: \"\"", &["not a URL"]),
        ("base_url: \"ftp://x\"", &["not a URL"]),
        ("base_url: \"ht tp://x\"", &["not a URL"]),
        ("base_url: \"https://x/\\x01\"", &["not a URL"]),
        ("base_url: \"https://x?y\"", &["not a URL"]),
        (
            "host: [\"https://mail.example.com\"]",
            &["not the name of a host"],
        ),
        ("host: [\"mail:8000\"]", &["not the name of a host", "port"]),
        ("host: [\"*.example.com\"]", &["not the name of a host"]),
        ("host: [\"\"]", &["not the name of a host"]),
    ]);
    let fine = "base_url: \"https://mail.example.com/api\", host: [mail, \"127.0.0.1\", \"[::1]\"], \
                cors_origin: [\"https://app.example:8443\", \"http://localhost\"]";
    check(&changed(API, &api(fine))).unwrap();
}

#[test]
fn tokens() {
    told_of_api(&[
        (
            "token: [{ name: \"\", sha256: \"HASH\" }]",
            &["a token without a name"],
        ),
        (
            "token: [{ name: a, sha256: \"HASH\" }, { name: b, sha256: \"HASH\" }]",
            &["`a` and `b` are one and the same token"],
        ),
        (
            "token: [{ name: a, sha256: \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" }]",
            &["empty token", "koukan token"],
        ),
        (
            "token: [{ name: a, sha256: \"HASH\", sender: [] }]",
            &["token `a` is for no sender"],
        ),
        (
            "token: [{ name: a, sha256: \"HASH\", role: operate, sender: [outgoing] }]",
            &["`role: operate` is for all senders", "leave `sender` out"],
        ),
        (
            "token: [{ name: a, sha256: \"HASH\", role: admin }]",
            &["admin", "operate"],
        ),
        (
            "token: [{ name: a, sha256: \"HASH\", expires: 2027-01-01 }]",
            &["a time is expected, not only a date"],
        ),
    ]);
}

#[test]
fn names_that_cannot_stand_in_a_path() {
    for name in ["a/b", "a?b", "100%"] {
        let with_rest = format!("  - {{ name: \"{name}\", chain: outgoing, rest: {{}} }}\n");
        let from = "  - { name: outgoing, chain: outgoing }\n";
        let text = changed(from, &format!("{from}{with_rest}"));
        let told = check(&text).unwrap_err();
        assert!(told.contains("cannot stand in a URL"), "{told}");
    }
    let nameless = "  - { name: outgoing, chain: outgoing }\n  - { name: \"\", chain: outgoing }\n";
    let told = check(&changed(
        "  - { name: outgoing, chain: outgoing }\n",
        nameless,
    ))
    .unwrap_err();
    assert!(told.contains("a sender without a name"), "{told}");
}

#[test]
fn networks_of_proxies() {
    let to = format!("{INGRESS}, proxy_networks: [\"10.0.0.0/8\", everywhere]");
    told(&[(
        INGRESS,
        &to,
        "everywhere",
        &["`everywhere` is not a network"],
    )]);
}

#[test]
fn not_everybody_is_a_proxy() {
    let proxies = |networks: &str| format!("{INGRESS}, proxy_networks: [{networks}]");
    let everybody = ["\"0.0.0.0/0\"", "\"::/0\"", "\"10.0.0.0/8\", \"1.2.3.4/0\""];
    for networks in everybody {
        let help = &["everybody is a proxy", "name the addresses of your proxies"];
        told(&[(INGRESS, &proxies(networks), INGRESS, help)]);
    }
    for (networks, is_odd) in [
        ("\"64.0.0.0/7\"", true),
        ("\"0.0.0.0/1\"", true),
        ("\"2000::/3\"", true),
        ("\"10.0.0.0/8\"", false),
        ("\"2001:db8::/32\", \"192.0.2.1\"", false),
    ] {
        let warnings = check(&changed(INGRESS, &proxies(networks))).unwrap();
        let told = warnings.to_string();
        assert_eq!(
            told.contains("a large part of the internet"),
            is_odd,
            "{networks}: {told}"
        );
        assert_eq!(warnings.problems().len(), usize::from(is_odd), "{told}");
    }
}

const SUBMIT: &str = "address: \"127.0.0.1:1587\"";
const RELAY: &[&str] = &[
    "everybody could send mail to anywhere by",
    "`clients: [\"192.0.2.0/24\"]`",
];

#[test]
fn an_open_relay_is_refused() {
    for open in ["0.0.0.0:587", "[::]:587", "192.0.2.1:587"] {
        let open = format!("address: \"{open}\"");
        told(&[(SUBMIT, &open, &open, RELAY)]);
    }
    // A rule for all recipients refuses nobody, and the sender that a client names proves nothing.
    let ingress = changed(INGRESS, "address: \"0.0.0.0:1025\"");
    assert!(check(&ingress).unwrap().problems().is_empty());
    for (from, to) in [
        (DOMAINS, format!("{DOMAINS}\n            - accept_all: {{}}")),
        (DOMAINS, format!("{DOMAINS}\n            - dest_domain: {{}}")),
        (DOMAINS, "address_list: { domains: [no.example], reject: no_such_user }\n            - accept_all: {}".into()),
    ] {
        let rest = "            # `bob`, also `bob+anything`.\n            - address_list: { domains: [rest-application.example.com], prefixes: [bob], delimiter: \"+\" }\n";
        let text = ingress.replacen(rest, "", 1).replacen(from, &to, 1);
        let told = check(&text).unwrap_err();
        assert!(RELAY.iter().all(|word| told.contains(word)), "{to}: {told}");
    }
    let senders = "      - received_header\n      - allowed_senders: { domains: [example.com] }\n    endpoint:\n      exploder: { policy: submission";
    let text = changed(SUBMIT, "address: \"0.0.0.0:587\"");
    let filter = "      - received_header\n    endpoint:\n      exploder: { policy: submission";
    assert!(text.contains(filter));
    let told = check(&text.replacen(filter, senders, 1)).unwrap_err();
    assert!(told.contains(RELAY[0]), "{told}");
    // The same without an exploder.
    let text = changed("smtp-msa: submission", "smtp-msa: outgoing");
    let told = check(&text.replacen(SUBMIT, "address: \"0.0.0.0:587\"", 1)).unwrap_err();
    assert!(told.contains(RELAY[0]), "{told}");
}

/// A client that may choose its address can choose the address of anybody.
#[test]
fn recipients_of_every_end_and_at_every_address_are_anywhere() {
    let relay = |ingress: &str, outgoing: &str| {
        format!(
            "hostname: a.example\nstorage: memory\nnotification: {{ sender: all }}\n\
             smtp_listener: [{{ address: \"0.0.0.0:2525\", sender: in }}]\n\
             sender: [{{ name: in, chain: in }}, {{ name: out, chain: out }}, {{ name: all, chain: all }}]\n\
             chain:\n\
             - {{ name: in, filter: [received_header, router: {{ rules: [{ingress}] }}], endpoint: {{ exploder: {{ policy: ingress, sender: out }} }} }}\n\
             - {{ name: out, filter: [router: {{ rules: [{outgoing}] }}], endpoint: {{ smtp: {{}} }} }}\n\
             - {{ name: all, filter: [router: {{ rules: [dest_domain: {{ mx: true }}] }}], endpoint: {{ smtp: {{}} }} }}\n"
        )
    };
    let own = "address_list: { domains: [a.example] }";
    let domains = "dest_domain: {}";
    for (ingress, outgoing, is_open) in [
        ("literal: {}", "literal: {}", true),
        (
            "literal: { networks: [\"0.0.0.0/0\"] }",
            "static_hosts: [\"b.example:25\"]",
            true,
        ),
        ("accept_all: {}", "literal: { networks: [\"::/0\"] }", true),
        (
            "literal: { networks: [192.0.2.0/24] }",
            "literal: {}",
            false,
        ),
        ("literal: {}", domains, false),
        (own, "literal: {}", false),
        (
            "suffix: { suffix: \"\", hosts: [\"b.example:25\"] }",
            domains,
            true,
        ),
        (
            "suffix: { suffix: .a.example, hosts: [\"b.example:25\"] }",
            domains,
            false,
        ),
    ] {
        let told = check(&relay(ingress, outgoing)).err().unwrap_or_default();
        assert_eq!(
            told.contains(RELAY[0]),
            is_open,
            "{ingress} {outgoing}: {told}"
        );
        assert!(!is_open || told.contains(RELAY[1]), "{told}");
    }
}

#[test]
fn a_relay_that_is_meant_is_none_that_is_open() {
    let open = "address: \"0.0.0.0:587\"";
    for meant in [
        "clients: [\"192.0.2.0/24\", \"2001:db8::/32\"]",
        "clients: [\"0.0.0.0/0\"]",
    ] {
        let warnings = check(&changed(SUBMIT, &format!("{open}, {meant}"))).unwrap();
        assert!(warnings.problems().is_empty(), "{warnings}");
    }
    let empty = format!("{open}, clients: []");
    told(&[(SUBMIT, &empty, open, RELAY)]);
    let wrong = format!("{open}, clients: [office]");
    told(&[(SUBMIT, &wrong, open, &["`office` is not a network"])]);
    // Only mail for local domains leaves through the chain to which it leads.
    let narrow =
        "static_hosts: [\"127.0.0.1:3025\"]\n    endpoint:\n      smtp: {}\n\n  # Mail for";
    assert!(LOCAL.contains(narrow));
    let text = LOCAL.replacen(
        narrow,
        "address_list: { domains: [a.example], hosts: [\"127.0.0.1:3025\"] }\n    endpoint:\n      smtp: {}\n\n  # Mail for",
        1,
    );
    let warnings = check(&text.replacen(SUBMIT, open, 1)).unwrap().to_string();
    assert!(
        warnings.contains("senders elsewhere would not hear"),
        "{warnings}"
    );
}
