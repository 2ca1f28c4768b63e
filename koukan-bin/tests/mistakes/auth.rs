//! Authentication of users.

use std::fs;

use koukan_smtp::sasl::scram::Verifier;

use super::*;

const ELSEWHERE: &str = "address: \"0.0.0.0:1025\"";

#[test]
fn users_and_their_passwords() {
    let directory = tempfile::tempdir().unwrap();
    let line = format!("alice:{}\n", Verifier::new("x", 4096).unwrap());
    for (name, text) in [
        ("users", line.clone()),
        ("twice", line.clone() + &line),
        ("plain", "# users\nalice:secret\n".to_owned()),
        ("empty", String::new()),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let directory = directory.path().display().to_string();
    let auth =
        |name: &str, rest: &str| format!("auth: {{ password_file: \"{directory}/{name}\"{rest} }}");
    for (settings, words) in [
        (auth("none", ""), &["cannot read", "koukan passwd"][..]),
        (auth("plain", ""), &["line 2", "SCRAM-SHA-256$"]),
        (auth("twice", ""), &["line 2", "an earlier line"]),
        (auth("users", ", sender: nobody"), &["unknown sender"]),
        (auth("users", ", tag: smtp-msa"), &["with its sender only"]),
        (auth("users", ", require: true"), &["required"]),
        ("auth: {}".to_owned(), &["password_file"]),
        (
            "auth: { http: { url: \"http://users.example.com\" } }".to_owned(),
            &["in clear"],
        ),
        ("auth: { http: { url: users } }".to_owned(), &["no URL"]),
    ] {
        let to = format!("{INGRESS}, {settings}");
        told(&[(INGRESS, &to, INGRESS, words)]);
    }
    for http in [
        "url: \"https://users.example.com/check\", cache: 0s",
        "url: \"http://LOCALHOST:8003/check\", cache: 5m",
    ] {
        let to = format!("{INGRESS}, auth: {{ http: {{ {http} }} }}");
        assert_eq!(check(&changed(INGRESS, &to)).unwrap().to_string(), "");
    }
    let elsewhere = format!("{ELSEWHERE}, {}", auth("users", ""));
    told(&[(INGRESS, &elsewhere, ELSEWHERE, &["there is no TLS"])]);
    let warned = |to: String| check(&changed(INGRESS, &to)).unwrap().to_string();
    assert_eq!(warned(format!("{INGRESS}, {}", auth("users", ""))), "");
    let empty = warned(format!("{INGRESS}, {}", auth("empty", "")));
    assert!(empty.contains("there is no user in"), "{empty}");
    let clear = auth("users", ", clear: true");
    assert_eq!(warned(format!("{INGRESS}, {clear}")), "");
    let clear = warned(format!("{ELSEWHERE}, {clear}"));
    assert!(
        clear.contains("passwords cross the network in clear"),
        "{clear}"
    );
}

#[test]
fn who_this_agent_says_to_be() {
    // One endpoint gets its hosts from the chain; another names its own hosts instead.
    const ROUTED: &str = "      - router:\n          rules:\n            - static_hosts: \
        [\"127.0.0.1:3025\"]\n    endpoint:\n      smtp: {}\n";
    const SMTP: &str = "      smtp: {}\n";
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [("secret", "pen cil\n"), ("empty", "\n")] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let directory = directory.path().display().to_string();
    let smtp = |rest: &str, file: &str| {
        let auth = format!("auth: {{ user: alice, {file} }}").replace("DIR", &directory);
        let smtp = format!("      smtp: {{ {rest}{auth} }}\n");
        match rest {
            "" => smtp,
            _ => format!("    endpoint:\n{smtp}"),
        }
    };
    let host = "host: [\"127.0.0.1:3025\"], ";
    for (rest, file, words) in [
        (host, "password_file: DIR/none", &["cannot read"][..]),
        (host, "token_file: DIR/empty", &["is empty"]),
        (host, "clear: true", &["`password_file` or `token_file`"]),
        (
            host,
            "password_file: DIR/secret, token_file: DIR/secret",
            &["name one file"],
        ),
        ("", "password_file: DIR/secret", &["name the server"]),
    ] {
        let from = if rest.is_empty() { SMTP } else { ROUTED };
        told(&[(from, &smtp(rest, file), "alice", words)]);
    }
    let secret = smtp(host, "password_file: DIR/secret");
    assert_eq!(check(&changed(ROUTED, &secret)).unwrap().to_string(), "");
    let never = smtp(&format!("{host}tls: never, "), "password_file: DIR/secret");
    let warned = check(&changed(ROUTED, &never)).unwrap().to_string();
    assert!(warned.contains("without TLS"), "{warned}");
}

/// If mail could go anywhere, users must authenticate.
#[test]
fn users_are_no_open_relay() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    let line = format!("alice:{}\n", Verifier::new("x", 4096).unwrap());
    fs::write(&users, line).unwrap();
    let users = users.display();
    let submission = "address: \"127.0.0.1:1587\"";
    let auth = |rest: &str| {
        let auth = format!("auth: {{ password_file: \"{users}\", clear: true{rest} }}");
        changed(submission, &format!("address: \"0.0.0.0:1587\", {auth}"))
    };
    let told = check(&auth("")).unwrap_err();
    assert!(
        told.contains("everybody could send mail to anywhere"),
        "{told}"
    );
    check(&auth(", required: true")).unwrap();
}

/// A client that may hold messages relies on their later delivery, which only a queue can do.
#[test]
fn messages_are_held_where_they_are_taken_into_the_queue() {
    let directory = tempfile::tempdir().unwrap();
    let users = directory.path().join("users");
    let line = format!("alice:{}\n", Verifier::new("x", 4096).unwrap());
    fs::write(&users, line).unwrap();
    let users = users.display();
    let with = |address: &str| {
        let auth = format!("auth: {{ password_file: \"{users}\", future_release: true }}");
        changed(address, &format!("{address}, {auth}"))
    };
    check(&with("address: \"127.0.0.1:1587\"")).unwrap();
    let told = check(&with("address: \"127.0.0.1:1025\"")).unwrap_err();
    assert!(told.contains("nothing takes them into the queue"), "{told}");
}
