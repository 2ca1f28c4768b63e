//! Schemathesis makes valid and invalid requests from the OpenAPI document that an agent serves.
//! The answers must be as the document says.

use std::{env, fs};

use crate::{
    collector::Collector,
    peers::{python_peer, run},
};

use super::{
    python::python,
    setup::{Agent, Shape},
};

/// Only the form of the answers is checked. Whether a request should have been refused is checked
/// by the other tests.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance";

/// Makes transactions of each kind that a request may meet, and prints what replaces the words of
/// `schemathesis.toml`: transactions that wait for their message or a part of it, those that are
/// made step by step, some that are to be cancelled, and a finished one.
const PREPARE: &str = r#"
def make(count, asked, fields={}):
    ids = []
    for _ in range(count):
        status, answered, tx = request("POST", SENDER, fields, asked)
        assert status == 201, (status, tx)
        ids.append(answered["Location"].rsplit("/", 1)[1])
    return ids
part = {"content_type": "text/plain", "content": {"create_id": "part"}}
whole = {**envelope(), "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}}
waiting = make(20, envelope())
waiting += make(20, {**envelope(), "body": {"message_builder": {"text_body": [part]}}})
stepwise = make(20, {"sender": {"name": "submission", "tag": "smtp-msa"}})
spare = make(5, envelope())
finished = make(1, whole, {"Prefer": "wait=20"})
words = {"WAITING": waiting, "STEPWISE": stepwise, "SPARE": spare, "FINISHED": finished}
words["BODY"] = [f"/transactions/{finished[0]}/body"]
for word, values in words.items():
    print(word, json.dumps(values)[1:-1], sep="\t")
"#;

#[test]
fn every_answer_is_as_the_document_says() {
    let sink = Collector::start();
    let agent = Agent::start_with(Shape::Whole, sink.address, "rest: { max_wait: 1s }\n");
    let prepared = python(agent.rest, PREPARE, &[]);
    let config = include_str!("schemathesis.toml").to_owned();
    let config = prepared.lines().fold(config, |config, line| {
        let (word, values) = line.split_once('\t').unwrap();
        config.replace(word, values)
    });
    let directory = tempfile::tempdir().unwrap();
    let config_path = directory.path().join("schemathesis.toml");
    fs::write(&config_path, config).unwrap();

    let url = format!("http://{}", agent.rest);
    // For a longer search by hand, set more examples and another seed.
    let wanted = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut command = python_peer("st");
    let command = command
        .current_dir(directory.path())
        // It connects only to loopback.
        .env("NO_PROXY", "*")
        .arg("--config-file")
        .arg(&config_path)
        .args(["run", &format!("{url}/openapi.json"), "--url", &url])
        .args(["--checks", CHECKS, "--continue-on-failure", "--no-color"])
        .args(["--seed", &wanted("SCHEMATHESIS_SEED", "1")])
        .args(["--max-examples", &wanted("SCHEMATHESIS_EXAMPLES", "25")])
        .args(["--generation-database", "none", "--request-timeout", "20"])
        .args(["--warnings", "off"]);
    let output = run(command);
    assert!(output.contains("No issues found"), "{output}");
}
