//! Where clients connect to, by which names, and with which tokens.

use super::*;

/// The API's listener with these settings.
fn api(settings: &str) -> String {
    format!("- {{ address: \"127.0.0.1:8000\", {settings} }}")
}

const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Each of these settings of the listener is told with these words.
#[track_caller]
fn told_of_api(cases: &[(&str, &[&str])]) {
    for (settings, words) in cases {
        let to = api(&settings.replace("HASH", HASH));
        told(&[(API, &to, "127.0.0.1:8000", words)]);
    }
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
