//! `koukan check`.

use super::*;

/// The output of `koukan check` for the local configuration with one text replaced.
fn complaint(from: &str, to: &str) -> String {
    let local = include_str!("../../../config/local/koukan.yaml");
    assert!(local.contains(from), "{from}");
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), local.replacen(from, to, 1)).unwrap();
    let path = file.path().display().to_string();
    let output = koukan(&["check", &path]);
    assert!(!output.status.success(), "{from} → {to}");
    text(&output.stderr).replace(&path, "koukan.yaml")
}

#[test]
fn too_few_file_descriptors_are_told_of_before_anything_runs() {
    let local = include_str!("../../../config/local/koukan.yaml");
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), local).unwrap();
    let check = format!(
        "ulimit -n 200; exec {} check {}",
        env!("CARGO_BIN_EXE_koukan"),
        file.path().display()
    );
    let output = Command::new("sh").args(["-c", &check]).output().unwrap();
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("warning: there are 200 file descriptors, too few"),
        "{told}"
    );
    assert!(told.contains("LimitNOFILE"), "{told}");
}

#[test]
fn the_local_configuration_is_fine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/local/koukan.yaml");
    let output = koukan(&["check", path]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_a_suggestion() {
    for (from, to, told) in [
        (
            "- received_header",
            "- recieved_header",
            "koukan.yaml:36:9: unknown filter `recieved_header`\n   36 |       - recieved_header\n      |         ^\n        help: did you mean `received_header`?",
        ),
        (
            "smtp-mx: ingress }",
            "smtp-mx: ingres }",
            "unknown chain `ingres`",
        ),
        (
            "sender: ingress, tag: smtp-mx",
            "sender: ingress, tag: smtp-xm",
            "help: did you mean `smtp-mx`?",
        ),
        (
            "notification: { sender: outgoing }",
            "notification: { sender: outgoign }",
            "help: did you mean `outgoing`?",
        ),
        (
            "hostname:",
            "output: { max_in_flight: 0 }\nhostname:",
            "koukan.yaml:8:26: a number of at least 1 is expected",
        ),
        ("hostname:", "hostnam:", "did you mean `hostname`?"),
        (
            "policy: ingress",
            "policy: ingres",
            "did you mean `ingress`?",
        ),
        (
            "koukan.localdomain",
            "not a host",
            "`not a host` is not a host name",
        ),
        (
            "[\"127.0.0.1:3025\"]",
            "[\"127.0.0.1\"]",
            "`127.0.0.1` is not a host and port",
        ),
        (
            "address_list: { domains",
            "address_list: { domain",
            "help: did you mean `domains`?",
        ),
        (
            "name: outgoing\n",
            "name: ingress\n",
            "chain `ingress` is there twice",
        ),
        (
            "policy: ingress\n        sender: outgoing\n",
            "policy: ingress\n        sender: ingress\n        tag: smtp-mx\n",
            "chain `ingress` leads back to itself",
        ),
    ] {
        let complaint = complaint(from, to);
        assert!(complaint.contains(told), "{told}\nis not in\n{complaint}");
        assert!(complaint.starts_with("koukan.yaml:"), "{complaint}");
    }
}
