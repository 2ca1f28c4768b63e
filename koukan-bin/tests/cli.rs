//! The commands, as a user types them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

fn koukan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    command.args(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// What `koukan check` says of the local configuration with one text replaced.
fn complaint(from: &str, to: &str) -> String {
    let local = include_str!("../../config/local/koukan.yaml");
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
    let local = include_str!("../../config/local/koukan.yaml");
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
fn the_demo_accounts_for_every_recipient() {
    let output = koukan(&["demo", "--messages", "80"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.contains("every recipient is accounted for"),
        "{printed}"
    );
}

#[test]
fn a_demo_that_sends_nothing_has_shown_nothing() {
    assert!(!koukan(&["demo", "--messages", "0"]).status.success());
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
            "koukan.yaml:8:11: a number of at least 1 is expected",
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

/// What `koukan check` says of a small configuration with this in place of its storage.
fn checked(storage: &str, sender: &str, endpoint: &str) -> Result<String, String> {
    let config = format!(
        "hostname: a.example\n{storage}\nnotification: {{ sender: out }}\nsender:\n  - {sender}\n  \
         - {{ name: out, chain: out }}\nchain:\n  - name: in\n    endpoint: {endpoint}\n  - name: \
         out\n    endpoint: {{ smtp: {{ host: [\"127.0.0.1:3025\"] }} }}\n"
    );
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), config).unwrap();
    let output = koukan(&["check", &file.path().display().to_string()]);
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn promises_need_storage() {
    let plain = "{ name: a, chain: in }";
    let by_rest = "{ name: a, chain: in, rest: {} }";
    let gateway = "{ name: a, chain: in, rest: { gateway: true } }";
    let submission = "{ exploder: { policy: submission, sender: out } }";
    let ingress = "{ exploder: { policy: ingress, sender: out } }";
    let passed_on = "{ rest: { url: \"http://127.0.0.1:8000\" } }";
    let promises = [
        (plain, submission),
        (plain, ingress),
        (by_rest, passed_on),
        (by_rest, submission),
        (gateway, submission),
    ];
    for (sender, endpoint) in promises {
        for storage in [
            "",
            "storage: {}",
            "storage: { spill: /tmp, memory_budget: 1MiB }",
        ] {
            let told = checked(storage, sender, endpoint).unwrap_err();
            assert!(told.contains("no storage keeps the mail"), "{told}");
            assert!(told.contains("write `storage: memory`"), "{told}");
            let mut lines = told.lines().filter(|line| line.contains("no storage"));
            assert!(lines.all(|line| !line.contains(".yaml: ")), "{told}");
        }
        for storage in [
            "storage: memory",
            "storage: { memory: true, memory_budget: 1MiB }",
            "storage: { sqlite: /tmp/never-made.sqlite }",
        ] {
            checked(storage, sender, endpoint).unwrap();
        }
    }
    checked("", plain, passed_on).unwrap();
    checked("", gateway, passed_on).unwrap();
}

#[test]
fn what_is_wrong_with_storage_is_told() {
    let plain = "{ name: a, chain: in }";
    let endpoint = "{ exploder: { policy: submission, sender: out } }";
    let told = checked("storage: memroy", plain, endpoint).unwrap_err();
    assert!(told.contains("yaml:2:"), "{told}");
    assert!(told.contains("memroy") && told.contains("memory"), "{told}");
    let told = checked("storage: { sqlit: x }", plain, endpoint).unwrap_err();
    assert!(told.contains("did you mean `sqlite`?"), "{told}");
    let both = "storage: { sqlite: x, memory: true }";
    let told = checked(both, plain, endpoint).unwrap_err();
    assert!(told.contains("either `sqlite` or `memory`"), "{told}");
    let without = "storage: { reserve: 64MiB, memory: true }";
    let told = checked(without, plain, endpoint).unwrap_err();
    assert!(told.contains("`storage.reserve`"), "{told}");
    let odd = "storage: { sqlite: x, reserve: 64 }";
    let told = checked(odd, plain, endpoint).unwrap_err();
    assert!(told.contains("is not a size"), "{told}");
}

/// What `koukan send` complains of before it asks anybody, with this on standard input.
fn unsent(arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
    // Nobody listens there, so that who asks fails otherwise.
    let to = [
        "send",
        "--server",
        "http://127.0.0.1:9",
        "--from",
        "a@example.com",
        "b@example.com",
    ];
    command.args(to).args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it may have gone away.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    text(&output.stderr)
}

#[test]
fn what_cannot_be_sent_is_told_before_anybody_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("spec.json");
    let spec = spec.to_str().unwrap();
    let here = directory.path().to_str().unwrap();
    fs::write(spec, "{").unwrap();
    for (arguments, input, told) in [
        (&[][..], "hello", "there is nothing to send"),
        (&["--subject", "hi"], "", "there is nothing to send"),
        (&["--text", "-", "--html", "-"], "x", "only one of"),
        (&["--builder", "-", "--text", "-"], "x", "only one of"),
        (&["--eml", "-"], "", "there is nothing on standard input"),
        (&["--text", "-"], "", "there is nothing on standard input"),
        (
            &["--text", "x", "--attach", "-"],
            "x",
            "--attach names a file",
        ),
        (
            &["--eml", "/dev/null"],
            "",
            "there is no message in /dev/null",
        ),
        (&["--builder", "-"], "{", "standard input: EOF"),
        (
            &["--builder", "-"],
            "[]",
            "standard input: a message builder spec",
        ),
        (&["--builder", spec], "", spec),
        (
            &["--eml", "/nowhere/m.eml"],
            "",
            "cannot read /nowhere/m.eml: No such file",
        ),
        (&["--eml", here], "", "it is a directory"),
        (&["--attach", "/nowhere/f"], "", "cannot read /nowhere/f"),
        (
            &["--text", "x", "--token-file", "/nowhere/t"],
            "",
            "cannot read /nowhere/t",
        ),
    ] {
        let complaint = unsent(arguments, input);
        assert!(
            complaint.contains(told),
            "{arguments:?}: {told}\nis not in\n{complaint}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let output = koukan(&["run", "--config", "/nowhere/koukan.yaml"]);
    assert!(!output.status.success());
    let told = text(&output.stderr);
    assert!(
        told.starts_with("/nowhere/koukan.yaml: cannot be read"),
        "{told}"
    );
}

#[test]
fn the_schema_is_the_one_that_is_published() {
    let output = koukan(&["schema"]);
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/config.schema.json");
    let published = fs::read_to_string(published).unwrap();
    assert!(
        text(&output.stdout) == published,
        "run `cargo run -p koukan -- schema > docs/config.schema.json`"
    );
}

#[tokio::test]
async fn a_database_is_copied_and_an_address_forgotten() {
    use koukan_storage::SqliteBackend;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let (config, copy) = (at("koukan.yaml"), at("copy.sqlite"));
    let local = include_str!("../../config/local/koukan.yaml");
    let database = at("queue.sqlite");
    let storage = local.lines().find(|line| line.contains("sqlite:")).unwrap();
    let ours = local.replace(storage, &format!("  sqlite: {database}"));
    fs::write(&config, ours).unwrap();
    let run = |arguments: &[&str]| {
        let output = koukan(&[&arguments[..1], &["--config", &config], &arguments[1..]].concat());
        let printed = text(&output.stdout) + &text(&output.stderr);
        (output.status.success(), printed)
    };
    let (is_done, told) = run(&["backup", &copy]);
    assert!(!is_done && told.contains("there is no database"), "{told}");
    let agent = SqliteBackend::open(&database).await.unwrap();
    let (is_done, told) = run(&["backup", &copy]);
    assert!(
        is_done && told.contains("0 messages that are still to be"),
        "{told}"
    );
    let (is_done, told) = run(&["backup", &copy]);
    assert!(
        !is_done && told.contains("name a file that is not"),
        "{told}"
    );
    let (is_done, told) = run(&["forget", "bob@example.com"]);
    assert!(
        is_done && told.contains("nothing is kept of bob@example.com"),
        "{told}"
    );
    let (is_done, told) = run(&["forget", "--erase", "bob@example.com"]);
    assert!(
        !is_done && told.contains("in use by another process"),
        "{told}"
    );
    let (is_done, told) = run(&["forget", "example.com"]);
    assert!(!is_done && told.contains("no address, as in"), "{told}");
    agent.close().await;
    // A process that another test is just starting has the lock until it runs its own program.
    let is_free = |(_, told): &(bool, String)| !told.contains("in use by another process");
    let mut erased = (0..100).map(|_| run(&["forget", "--erase", "bob@example.com"]));
    let (is_done, told) = erased.find(is_free).unwrap();
    assert!(is_done, "{told}");
    fs::write(&config, local.replace(storage, "  memory: true")).unwrap();
    let (is_done, told) = run(&["backup", &at("other")]);
    assert!(!is_done && told.contains("has no database"), "{told}");
}

#[test]
fn a_key_that_signs_is_made_once_and_its_record_printed() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s1.pem").display().to_string();
    let run = |arguments: &[&str]| {
        let names = ["--domain", "example.com", "--selector", "s1"];
        let output = koukan(&[&["dkim-key"], &names[..], arguments].concat());
        (
            output.status.success(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (is_done, record, told) = run(&[&file]);
    assert!(is_done, "{told}");
    let start = "s1._domainkey.example.com. IN TXT ( \"v=DKIM1; k=rsa; p=MII";
    assert!(record.starts_with(start), "{record}");
    for string in record.split('"').skip(1).step_by(2) {
        assert!(string.len() <= 255, "{string}");
    }
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let key = fs::read(&file).unwrap();
    let (is_done, _, told) = run(&["--algorithm", "ed25519", &file]);
    assert!(!is_done && told.contains("is there already"), "{told}");
    assert_eq!(fs::read(&file).unwrap(), key);
    let (_, shown, _) = run(&["--show", &file]);
    assert_eq!(shown, record);

    let other = folder.path().join("s2.pem").display().to_string();
    let (is_done, record, _) = run(&["--algorithm", "ed25519", &other]);
    assert!(is_done && record.contains("k=ed25519; p="), "{record}");
    let wrong = ["dkim-key", "--domain", "a b", "--selector", "s", &other];
    let told = text(&koukan(&wrong).stderr);
    assert!(told.contains("no name in the DNS"), "{told}");
}
