//! Webhooks.

use std::fs;

use super::*;

const STORAGE: &str = "storage:\n";

#[test]
fn what_is_wrong_with_a_webhook_is_told_where_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let secret = file("secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let short = file("short", "\nc2hvcnQ=");
    let good = "https://app.example.com/hook";
    let hook = |url: &str, secret: &str, rest: &str| {
        format!("webhooks:\n  - {{ url: \"{url}\", secret_file: \"{secret}\"{rest} }}\n")
    };
    let with = |hooks: &str| format!("{hooks}{STORAGE}  events: {{}}\n");
    let second = hook(good, &secret, "").replace("webhooks:\n", "");
    for (hooks, words) in [
        (
            hook("app.example.com", &secret, ""),
            &["is not a URL", "https://"][..],
        ),
        (
            hook("ftp://app.example.com/", &secret, ""),
            &["is not a URL"],
        ),
        (
            hook(good, "/none", ""),
            &["cannot read /none", "openssl rand"],
        ),
        (
            hook(good, &short, ""),
            &["line 2 holds fewer than 24 octets"],
        ),
        (
            hook(good, &secret, ", events: [delivred]"),
            &["unknown event `delivred`", "`delivered`?"],
        ),
        (
            hook(good, &secret, ", senders: [submision]"),
            &["unknown sender", "`submission`?"],
        ),
    ] {
        let to = with(&hooks);
        told(&[(STORAGE, &to, "  - { url:", words)]);
    }
    // Its progress is stored under its name.
    let path = "x".repeat(2000);
    let (long, name) = (format!("{good}/{path}"), "n".repeat(256));
    for (url, rest, words) in [
        (&*long, "", "give the webhook a `name`"),
        (good, &*format!(", name: {name}"), "at most 255"),
    ] {
        let to = with(&hook(url, &secret, rest));
        told(&[(STORAGE, &to, "  - { url:", &[words, " octets"])]);
    }
    let named = with(&hook(&long, &secret, ", name: it"));
    check(&changed(STORAGE, &named)).unwrap();
    let twice = with(&(hook(good, &secret, "") + &second));
    let is_twice = check(&changed(STORAGE, &twice)).unwrap_err();
    assert!(is_twice.contains("is there twice"), "{is_twice}");
    let unkept = format!("{}{STORAGE}", hook(good, &secret, ""));
    told(&[(
        STORAGE,
        &unkept,
        "  - { url:",
        &["no events are kept", "events: {}"],
    )]);
    let warned = |url: &str| {
        let text = changed(STORAGE, &with(&hook(url, &secret, ", events: [failed]")));
        check(&text).unwrap().to_string()
    };
    let receiving = "endpoint:\n      rest: { url: \"http://127.0.0.1:8002\", sender: receiver, incremental: false }";
    let endpoint =
        |url: &str, more: &str| format!("endpoint:\n      webhook: {{ url: \"{url}\"{more} }}");
    let with_secret = format!(", secret_file: \"{secret}\"");
    for (url, more, words) in [
        (good, "", &["`secret_file`"][..]),
        (good, ", secret_file: /none", &["cannot read /none"]),
        ("app.example.com", &with_secret, &["is not a URL"]),
        (
            good,
            &format!("{with_secret}, ca_file: /none"),
            &["cannot read /none"],
        ),
        (
            good,
            &format!("{with_secret}, max_message_size: 1"),
            &["is not a size"],
        ),
        (
            good,
            &format!("{with_secret}, max_mesage_size: 1MiB"),
            &["`max_message_size`?"],
        ),
    ] {
        told(&[(receiving, &endpoint(url, more), "      webhook: {", words)]);
    }
    let mail_to = |url: &str| {
        let text = changed(receiving, &endpoint(url, &with_secret));
        check(&text).unwrap().to_string()
    };
    assert_eq!(mail_to(good), "");
    let clear = mail_to("http://app.example.com/");
    assert!(
        clear.contains("mail goes to http://app.example.com/ in the clear"),
        "{clear}"
    );
    assert_eq!(warned(good), "");
    assert_eq!(warned("http://127.0.0.1:8080/"), "");
    let clear = warned("http://app.example.com/");
    assert!(clear.contains("in the clear"), "{clear}");
}
