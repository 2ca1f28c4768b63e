//! Users who authenticate themselves.

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
        (auth("twice", ""), &["line 2", "another entry"]),
        (auth("users", ", sender: nobody"), &["unknown sender"]),
        (auth("users", ", tag: smtp-msa"), &["with its sender only"]),
        (auth("users", ", require: true"), &["required"]),
        ("auth: {}".to_owned(), &["password_file"]),
    ] {
        let to = format!("{INGRESS}, {settings}");
        told(&[(INGRESS, &to, INGRESS, words)]);
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

/// Where mail could go anywhere, users must say who they are.
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
