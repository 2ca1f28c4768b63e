//! `koukan explain`.

use super::*;

const PAGE: &str = include_str!("../../../docs/explain.md");

/// The first block in that language on the page after a given text.
fn block(kind: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```{kind}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

fn local(name: &str) -> String {
    format!("{}/../config/local/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_example_of_the_page_prints_what_it_says() {
    let command = block("sh").replace("\\\n", " ");
    let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
    assert_eq!(words[..2], ["koukan", "explain"]);
    let words = words[1..]
        .iter()
        .map(|word| match word.strip_prefix("config/local/") {
            Some(name) => local(name),
            None => word.clone(),
        });
    let words: Vec<_> = words.collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let output = koukan(&words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), block("text"));
}

#[test]
fn every_local_configuration_is_explained() {
    for (config, sender, to, expected) in [
        (
            "koukan.yaml",
            "ingress/smtp-mx",
            "b@example.com",
            "127.0.0.1:3025",
        ),
        (
            "koukan.yaml",
            "ingress/smtp-mx",
            "bob+x@rest-application.example.com",
            "http://127.0.0.1:8002 (rest)",
        ),
        (
            "koukan.yaml",
            "submission/smtp-msa",
            "b@example.net",
            "127.0.0.1:3025",
        ),
        (
            "koukan.yaml",
            "submission",
            "b@example.net",
            "127.0.0.1:3025",
        ),
        (
            "router.yaml",
            "ingress/smtp-mx",
            "b@example.com",
            "http://127.0.0.1:8001 (rest)",
        ),
        (
            "router.yaml",
            "submission",
            "b@example.com",
            "http://127.0.0.1:8001 (rest)",
        ),
        (
            "gateway.yaml",
            "ingress/smtp-mx",
            "b@example.com",
            "http://127.0.0.1:8000 (rest)",
        ),
    ] {
        let config = local(config);
        let arguments = [
            "explain", "--config", &config, "--sender", sender, "--from", "", "--to", to,
        ];
        let output = koukan(&arguments);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(
            printed.contains(expected),
            "{config} {sender} {to}: {printed}"
        );
        assert!(printed.contains("the message would be taken"), "{printed}");
        assert!(printed.ends_with("Nothing was sent.\n"), "{printed}");
    }
}

#[test]
fn it_is_told_where_tls_begins_with_the_first_octet() {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let provider =
        "host: [\"192.0.2.1:465\", \"192.0.2.2:587\"], tls: required, tls_mode: immediate";
    let config = format!(
        "hostname: mx.example.com\n\
         storage: memory\n\
         smtp_listener: [ {{ address: \"127.0.0.1:2525\", sender: out }} ]\n\
         sender: [ {{ name: out, chain: out }} ]\n\
         chain: [ {{ name: out, endpoint: {{ smtp: {{ {provider} }} }} }} ]\n\
         destination: [ {{ host: \"192.0.2.2:587\", tls: opportunistic, tls_mode: offered }} ]\n"
    );
    fs::write(file.path(), config).unwrap();
    let config = file.path().display().to_string();
    let explain = |more: &[&str]| {
        let arguments = ["explain", "--config", &config, "--sender", "out"];
        let arguments = [
            &arguments[..],
            &["--from", "", "--to", "b@example.com"],
            more,
        ];
        let output = koukan(&arguments.concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let told = explain(&[]);
    for line in [
        "192.0.2.1:465, with TLS, whatever the certificate, which begins with the first octet\n",
        "192.0.2.2:587, with TLS where the host offers it\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let json: serde_json::Value = serde_json::from_str(&explain(&["--json"])).unwrap();
    let notes = json["passages"][0]["notes"].as_array().unwrap();
    let hosts = notes.iter().find_map(|note| note.get("goes")).unwrap();
    assert_eq!(hosts["hosts"][0]["tls_mode"], "immediate");
    assert!(hosts["hosts"][1].get("tls_mode").is_none());
}

#[test]
fn a_message_is_read_and_a_sender_that_is_not_there_is_told() {
    let message = tempfile::NamedTempFile::new().unwrap();
    fs::write(message.path(), "Subject: hi\nReceived: by x\n\nhello\n").unwrap();
    let (config, message) = (local("koukan.yaml"), message.path().display().to_string());
    let explain = |sender: &str| {
        koukan(&[
            "explain",
            "--config",
            &config,
            "--sender",
            sender,
            "--from",
            "a@x.example",
            "--to",
            "b@example.com",
            "--json",
            &message,
        ])
    };
    let output = explain("submission/smtp-msa");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let part = &json["passages"][1];
    assert_eq!(part["part_of"], 0);
    let added = part["notes"].as_array().unwrap().iter();
    let added: Vec<_> = added.filter_map(|note| note.get("added")).collect();
    assert_eq!(added, [&serde_json::json!(["Received"])]);
    let output = explain("nobody");
    assert!(!output.status.success());
    let told = text(&output.stderr);
    assert!(
        told.contains("there is no chain of sender `nobody`"),
        "{told}"
    );
}
