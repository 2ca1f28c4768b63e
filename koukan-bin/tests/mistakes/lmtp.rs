//! LMTP.

use super::*;

/// The local configuration, with these settings for its last SMTP endpoint, and this rule in the
/// router before it.
fn with(smtp: &str, rule: &str) -> String {
    let text = LOCAL.replace("smtp: {}", &format!("smtp: {smtp}"));
    text.replace("static_hosts: [\"127.0.0.1:3025\"]", rule)
}

#[test]
fn clients_speak_lmtp_on_a_port_of_its_own() {
    let with = |port: u16| {
        let address = format!("address: \"127.0.0.1:{port}\", lmtp: true");
        LOCAL.replace("address: \"127.0.0.1:1025\"", &address)
    };
    let warnings = check(&with(2024)).unwrap();
    assert!(!warnings.to_string().contains("LMTP"), "{warnings}");
    let error = check(&with(25)).unwrap_err();
    assert!(
        error.contains("port 25 is for SMTP, and not for LMTP"),
        "{error}"
    );
}

#[test]
fn unix_sockets_of_mailboxes() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("file"), "").unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(path("lmtp")).unwrap();
    let rule = "static_hosts: [\"127.0.0.1:24\"]";
    let of_endpoint = |path: &str, more: &str| {
        let smtp = format!("{{ lmtp: true, host: [\"unix:{path}\"]{more} }}");
        check(&with(&smtp, rule))
    };
    let of_router = |path: &str, more: &str| {
        let rule = format!("static_hosts: [\"unix:{path}\"]");
        check(&with(&format!("{{ lmtp: true{more} }}"), &rule))
    };
    for checked in [of_endpoint(&path("lmtp"), ""), of_router(&path("lmtp"), "")] {
        let warnings = checked.unwrap().to_string();
        assert!(!warnings.contains("unix:"), "{warnings}");
    }
    let absent = path("absent");
    for checked in [of_endpoint(&absent, ""), of_router(&absent, "")] {
        let warnings = checked.unwrap().to_string();
        assert!(
            warnings.contains("cannot be connected to just now"),
            "{warnings}"
        );
        assert!(warnings.contains("start the server"), "{warnings}");
    }
    for (path, more, told) in [
        (
            path("file"),
            "",
            "is no Unix socket, but another kind of file",
        ),
        (
            path("lmtp"),
            ", tls: verified",
            "a Unix socket, to which there is no TLS",
        ),
        (
            path("lmtp"),
            ", tls: required",
            "a Unix socket, to which there is no TLS",
        ),
        ("run/lmtp".to_owned(), "", "begins with `/`"),
        (
            format!("/{}", "a".repeat(120)),
            "",
            "has at most 107 octets",
        ),
    ] {
        for checked in [of_endpoint(&path, more), of_router(&path, more)] {
            let error = checked.unwrap_err();
            assert!(error.contains(told), "{path}{more}: {error}");
        }
    }
    let both = ["/run/a", "/run/A"]
        .map(|path| format!("  - {{ host: \"unix:{path}\", connections: 5 }}\n"));
    check(&format!("{LOCAL}\ndestination:\n{}", both.concat())).unwrap();
    let error = check(&format!("{LOCAL}\ndestination:\n{}", both[0].repeat(2))).unwrap_err();
    assert!(error.contains("stands here twice"), "{error}");
}

/// Mail that comes back to a listener of the agent itself never leaves.
#[test]
fn a_unix_socket_of_ones_own_leads_back() {
    let listener = "address: \"unix:/run/koukan/smtp\", sender: outgoing";
    let text = changed(
        "address: \"127.0.0.1:1025\", sender: ingress, tag: smtp-mx",
        listener,
    );
    let text = text.replace("smtp: {}", "smtp: { host: [\"unix:/run/koukan/smtp\"] }");
    let error = check(&text).unwrap_err();
    assert!(error.contains("leads back to itself"), "{error}");
}

#[test]
fn mailboxes_are_named_on_a_port_of_their_own() {
    let rule = "static_hosts: [\"127.0.0.1:24\"]";
    let warnings = check(&with("{ lmtp: true }", rule)).unwrap();
    assert!(!warnings.to_string().contains("LMTP"), "{warnings}");
    for (smtp, rule, told) in [
        (
            "{ lmtp: true }",
            "static_hosts: [\"127.0.0.1:25\"]",
            Some("`127.0.0.1:25` is a port for SMTP"),
        ),
        (
            "{ lmtp: true, host: [\"mx.example.com:25\"] }",
            rule,
            Some("`mx.example.com:25` is a port for SMTP"),
        ),
        (
            "{ lmtp: true }",
            "dest_domain: { mx: true }",
            Some("the mail hosts of domains speak SMTP"),
        ),
        ("{ lmtp: true }", "dest_domain: { port: 24 }", None),
        ("{ lmtp: false }", "dest_domain: { mx: true }", None),
        ("{ lmtp: maybe }", rule, Some("`true` or `false`")),
    ] {
        let checked = check(&with(smtp, rule));
        match told {
            None => assert!(checked.is_ok(), "{smtp} {rule}: {checked:?}"),
            Some(told) => {
                let error = checked.unwrap_err();
                assert!(error.contains(told), "{smtp} {rule}: {error}");
            }
        }
    }
}
