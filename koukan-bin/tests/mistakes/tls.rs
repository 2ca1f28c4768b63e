//! Certificates, and the places where they are needed.

use std::fs;

use koukan_core::test_util::Authority;

use super::*;

/// An endpoint of SMTP.
const SMTP: &str = "      smtp: {}\n";

#[test]
fn certificates() {
    let directory = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let sound = authority.issue("mx.example.com");
    let past = authority.issue_until("mx.example.com", (2020, 1, 1));
    for (name, text) in [
        ("sound.pem", &sound.certificate),
        ("sound.key", &sound.key),
        ("past.pem", &past.certificate),
        ("past.key", &past.key),
        ("other.key", &other.issue("mx.example.com").key),
        ("empty.pem", &String::new()),
        ("ca.pem", &authority.pem()),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let at = |text: &str| text.replace("DIR", &directory.path().display().to_string());
    let listener = |tls: &str| format!("{INGRESS}, {}", at(tls));
    let with = |file: &str, key: &str| {
        format!("tls: {{ certificate: [{{ file: \"DIR/{file}\", key: \"DIR/{key}\" }}] }}")
    };
    for (tls, words) in [
        (
            "tls_mode: required".to_owned(),
            &["no certificate for TLS", "tls: {"][..],
        ),
        (
            "tls: { certificate: [] }".into(),
            &["no certificate for TLS"],
        ),
        (with("none.pem", "sound.key"), &["cannot read", "none.pem"]),
        (with("sound.pem", "none.key"), &["cannot read", "none.key"]),
        (with("empty.pem", "sound.key"), &["no certificate in PEM"]),
        (with("sound.pem", "empty.pem"), &["no private key in PEM"]),
        (
            with("sound.pem", "other.key"),
            &["not that of the certificate"],
        ),
        ("tls_mode: always".into(), &["always", "immediate"]),
        (
            with("sound.pem", "sound.key").replace("] }", "], client_certificate: required }"),
            &["whose certificates", "`client_ca`"],
        ),
        (
            with("sound.pem", "sound.key").replace("] }", "], client_ca: /nowhere }"),
            &["cannot read /nowhere"],
        ),
    ] {
        let to = listener(&tls);
        told(&[(INGRESS, &to, INGRESS, words)]);
    }
    let warned = |tls: &str| {
        check(&changed(INGRESS, &listener(tls)))
            .unwrap()
            .to_string()
    };
    let warnings = warned(&with("past.pem", "past.key"));
    assert!(
        warnings.contains("no longer valid since 2020-01-01"),
        "{warnings}"
    );
    // The host of the local configuration has another name than the certificate.
    let warnings = warned(&with("sound.pem", "sound.key"));
    assert!(warnings.contains("no certificate is for "), "{warnings}");
}

#[test]
fn clients() {
    let directory = tempfile::tempdir().unwrap();
    let (ca, empty) = (
        directory.path().join("ca.pem"),
        directory.path().join("empty"),
    );
    fs::write(&ca, Authority::new().pem()).unwrap();
    fs::write(&empty, "").unwrap();
    let (ca, empty) = (ca.display(), empty.display());
    let smtp = |settings: &str| format!("      smtp: {{ {settings} }}\n");
    for (settings, words) in [
        ("tls: always".to_owned(), &["always", "opportunistic"][..]),
        (
            format!("ca_file: \"{ca}\""),
            &["of use only", "tls: verified"],
        ),
        (
            format!("tls: required, ca_file: \"{ca}\""),
            &["of use only"],
        ),
        (
            format!("tls: verified, ca_file: \"{empty}\""),
            &["no certificate"],
        ),
        (
            format!("tls: verified, ca_file: \"{ca}x\""),
            &["cannot read"],
        ),
        ("dane: true".into(), &["proves", "dnssec: true"]),
        (
            format!("certificate: {{ file: \"{empty}\" }}"),
            &["no certificate in PEM"],
        ),
        (
            format!("certificate: {{ file: \"{ca}\" }}, tls: never"),
            &["`tls: never` excludes it"],
        ),
        (
            "mta_sts: true, tls: never".into(),
            &["demand TLS", "leave `tls` out"],
        ),
    ] {
        told(&[(
            SMTP,
            &smtp(&settings),
            settings.split(':').next().unwrap(),
            words,
        )]);
    }
    let proved = |settings: &str| {
        let text = changed(SMTP, &smtp(settings));
        check(&format!("{text}resolver: {{ dnssec: true }}\n"))
    };
    proved("dane: true").unwrap();
    assert!(
        proved("dane: true, tls: never")
            .unwrap_err()
            .contains("demand TLS")
    );
    let keys = directory.path().join("anchor");
    fs::write(&keys, "; none\n").unwrap();
    for (resolver, word) in [
        ("trust_anchor: KEYS", "of use only"),
        ("dnssec: true, trust_anchor: KEYS", "no DNSKEY record"),
        (
            "dnssec: true, trust_anchor: KEYSx",
            "cannot read the DNSSEC trust anchors",
        ),
    ] {
        let resolver = resolver.replace("KEYS", &keys.display().to_string());
        let text = changed(SMTP, &smtp("dane: true"));
        let told = check(&format!("{text}resolver: {{ {resolver} }}\n")).unwrap_err();
        assert!(told.contains(word), "{resolver}: {told}");
    }
    let named = smtp("mta_sts: true, host: [\"127.0.0.1:3025\"]");
    let told = check(&changed(SMTP, &named)).unwrap_err();
    assert!(told.contains("no policies of hosts"), "{told}");
    for fine in [
        "tls: never".to_owned(),
        "tls: verified".into(),
        "mta_sts: true".into(),
        format!("mta_sts: true, ca_file: \"{ca}\""),
        format!("tls: verified, ca_file: \"{ca}\""),
    ] {
        check(&changed(SMTP, &smtp(&fine))).unwrap();
    }
}

#[test]
fn tokens_and_locations_that_are_read_on_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let sound = Authority::new().issue("mail.example.com");
    let file = directory.path().join("both.pem");
    fs::write(&file, sound.certificate + &sound.key).unwrap();
    let tls = format!(
        "tls: {{ certificate: [{{ file: \"{}\" }}] }}",
        file.display()
    );
    let hash = "0123456789abcdef".repeat(4);
    let token = format!("token: [{{ name: a, sha256: \"{hash}\" }}]");
    let api =
        |address: &str, rest: &str| format!("- {{ address: \"{address}\", {token}, {rest} }}");
    let warned = |address: &str, rest: &str| {
        let warnings = check(&changed(API, &api(address, rest))).unwrap();
        warnings.to_string()
    };
    let in_clear = "tokens cross the network in clear";
    assert!(warned("0.0.0.0:8000", "").contains(in_clear));
    assert!(!warned("127.0.0.1:8000", "").contains(in_clear));
    assert!(!warned("0.0.0.0:8000", &tls).contains(in_clear));
    let url = format!("{tls}, base_url: \"https://mail.example.com:8000/x\"");
    assert_eq!(warned("0.0.0.0:8000", &url), "");
    let other = format!("{tls}, host: [other.example.com]");
    assert!(warned("0.0.0.0:8000", &other).contains("no certificate is for other.example.com"));
    let url = format!("{tls}, base_url: \"http://mail.example.com\"");
    let to = api("0.0.0.0:8000", &url);
    told(&[(API, &to, "base_url", &["begin it with `https:`"])]);
}
