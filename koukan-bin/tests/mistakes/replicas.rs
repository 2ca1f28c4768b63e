//! The listeners at which replicas reach each other.

use super::*;

/// A listener at which replicas reach this one, and another listener, each with these additional
/// keys.
fn listeners(storage: &str, reached: &str, other: &str) -> String {
    format!(
        "hostname: a.example\nnotification: {{ sender: out }}\nstorage: {storage}\nrest_listener:\n  - {{ address: \
         \"127.0.0.1:1\", {reached} }}\n  - {{ address: \"127.0.0.1:2\"{other} }}\nsender:\n  - {{ name: out, chain: \
         out }}\nchain:\n  - {{ name: out, endpoint: {{ smtp: {{ host: [\"mx.example:25\"] }} }} }}\n"
    )
}

const SHARED: &str = "{ postgres: { url: \"postgres://a@127.0.0.1/k\", tls: off } }";
const URL: &str = "session_url: \"http://127.0.0.1:1\"";

fn token(digit: char, more: &str) -> String {
    let hash = digit.to_string().repeat(64);
    format!(", token: [{{ name: t{digit}, sha256: \"{hash}\"{more} }}]")
}

#[test]
fn an_address_that_is_none() {
    for (storage, reached, other, expected) in [
        (
            SHARED,
            "session_url: \"127.0.0.1\"",
            "",
            "is not a URL of a server",
        ),
        (
            SHARED,
            "session_url: \"http://{POD_IP\"",
            "",
            "is not a URL of a server",
        ),
        (
            SHARED,
            &*format!("{URL}, api: false"),
            "",
            "which are not served",
        ),
        (SHARED, URL, &*format!(", {URL}"), "by one listener alone"),
    ] {
        let told = check(&listeners(storage, reached, other)).unwrap_err();
        assert!(told.contains(expected), "{told}");
        assert!(told.contains("help: "), "{told}");
    }
    let alone = "{ sqlite: /nowhere/k.db }";
    let told = check(&listeners(alone, URL, "")).unwrap().to_string();
    assert!(told.contains("there are no other replicas"), "{told}");
    check(&listeners(SHARED, "session_url: \"http://{POD_IP}:1\"", "")).unwrap();
}

/// A proxy may stand before the listener, so these are only odd, except for an address that is none.
#[test]
fn a_way_that_does_not_lead_to_the_listener() {
    for (url, words) in [
        ("https://127.0.0.1:1", "this listener does not"),
        (
            "http://127.0.0.1:7",
            "ask at port 7, and this listener has port 1",
        ),
        ("http://{POD_IP}", "ask at port 80"),
        ("http://127.0.0.1:1/replica", "ask below /replica,"),
    ] {
        let reached = format!("session_url: \"{url}\"");
        let told = check(&listeners(SHARED, &reached, "")).unwrap().to_string();
        assert!(
            told.contains("warning") && told.contains(words),
            "{url}: {told}"
        );
        assert!(
            told.contains("k.yaml:5:") && told.contains("help: "),
            "{told}"
        );
    }
    for url in ["http://0.0.0.0:1", "http://[::]:1"] {
        let reached = format!("session_url: \"{url}\"");
        let told = check(&listeners(SHARED, &reached, "")).unwrap_err();
        assert!(
            told.contains("not an address by which others reach"),
            "{told}"
        );
        assert!(
            told.contains("k.yaml:5:") && told.contains("{POD_IP}"),
            "{told}"
        );
    }
    for (reached, other) in [
        (URL, ""),
        (
            "session_url: \"http://127.0.0.1:1/\", session_proxy: true",
            "",
        ),
        (URL, ", session_proxy: true"),
    ] {
        let told = check(&listeners(SHARED, reached, other))
            .unwrap()
            .to_string();
        assert!(!told.contains("replicas"), "{told}");
    }
    let told = check(&listeners(SHARED, "session_proxy: true", ""))
        .unwrap()
        .to_string();
    assert!(told.contains("others cannot reach this one"), "{told}");
    assert!(told.contains("add `session_url`"), "{told}");
}

/// A request that is passed on is answered with the rights that the other listener grants.
#[test]
fn a_listener_that_grants_others_what_they_do_not_have() {
    let reached_bare = URL.to_owned();
    let reached_believed = format!("{URL}, trusted: true");
    let reached_by = |token: &str| format!("{URL}{token}");
    let (one, other) = (token('1', ""), token('2', ""));
    for (reached, other) in [
        (&reached_bare, &*one),
        (&reached_believed, &*token('1', ", trusted: true")),
        (&reached_believed, ""),
    ] {
        let told = check(&listeners(SHARED, reached, other)).unwrap_err();
        assert!(told.contains("whatever this listener grants"), "{told}");
        assert!(told.contains("give both listeners the same"), "{told}");
    }
    for (reached, other) in [(&one, ""), (&one, &*other)] {
        let text = listeners(SHARED, &reached_by(reached), other);
        let told = check(&text).unwrap().to_string();
        assert!(told.contains("does not know each token"), "{told}");
    }
    for (reached, other) in [
        (&reached_bare, ""),
        (&reached_by(&one), &*one),
        (&reached_believed, ", trusted: true"),
        (&reached_bare, ", api: false"),
    ] {
        let told = check(&listeners(SHARED, reached, other))
            .unwrap()
            .to_string();
        assert!(!told.contains("listeners"), "{told}");
    }
}
