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
