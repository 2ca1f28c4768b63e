//! The template of notifications.

use std::fs;

use super::*;

const NOTIFICATION: &str = "notification: { sender: outgoing }\n";

#[test]
fn what_is_wrong_with_a_template_is_told_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("template");
    let to = format!(
        "notification: {{ sender: outgoing, template: \"{}\" }}\n",
        file.display()
    );
    told(&[(
        NOTIFICATION,
        &to,
        "notification:",
        &["cannot read", "name a file"],
    )]);
    for (text, words) in [
        (
            &b"language: en\nfailed: to {whom}\n"[..],
            &["template:2: `failed` has no place {whom}", "{agent}, {id}"][..],
        ),
        (
            b"language: en\nrecipient: {to}\n",
            &[
                "template:2: the text `recipient` lacks the place {said}",
                "write {said}",
            ],
        ),
        (
            b"language: en\n\nfrom: \xff\n",
            &["template:3: it is not UTF-8", "save the file"],
        ),
        (
            b"language: de\n",
            &[
                "template:1: the language `de` has no text `from`",
                "`opening`",
            ],
        ),
    ] {
        fs::write(&file, text).unwrap();
        told(&[(NOTIFICATION, &to, "notification:", words)]);
    }
    fs::write(&file, "language: en\nfrom: Post office\n").unwrap();
    assert_eq!(check(&changed(NOTIFICATION, &to)).unwrap().to_string(), "");
}
