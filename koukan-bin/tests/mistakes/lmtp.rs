//! LMTP.

use super::*;

/// The local configuration, with that for its last endpoints of SMTP and for the router before.
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
