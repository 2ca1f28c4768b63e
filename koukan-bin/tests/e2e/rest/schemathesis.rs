//! Schemathesis: requests made of the OpenAPI document that an agent serves, valid ones and others,
//! and answers that must be as the document says.

use std::{env, fs};

use crate::{
    collector::Collector,
    peers::{python_peer, run},
};

use super::{
    python::python,
    setup::{Agent, Shape},
};

/// Answers are looked at, not judgements: whether a request should have been refused is what the
/// other tests are about.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,response_headers_conformance";

/// Makes a transaction of each kind that a request may meet, and prints their names: two that wait
/// for their message, one for a part of it, one that is made step by step, and one that is done.
const PREPARE: &str = r#"
part = {"content_type": "text/plain", "content": {"create_id": "part"}}
for asked, fields in [
    (envelope(), {}),
    (envelope(), {}),
    ({**envelope(), "body": {"message_builder": {"text_body": [part]}}}, {}),
    ({"sender": {"name": "submission", "tag": "smtp-msa"}}, {}),
    ({**envelope(), "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}}, {"Prefer": "wait=20"}),
]:
    status, fields, tx = request("POST", SENDER, fields, asked)
    assert status == 201, (status, tx)
    print(fields["Location"].rsplit("/", 1)[1])
"#;

#[test]
fn every_answer_is_as_the_document_says() {
    let sink = Collector::start();
    let agent = Agent::start_with(Shape::Whole, sink.address, "rest: { max_wait: 1s }\n");
    let prepared = python(agent.rest, PREPARE, &[]);
    let ids: Vec<_> = prepared.lines().collect();
    let config = include_str!("schemathesis.toml")
        .replace("IDS", &format!("{ids:?}").replace(['[', ']'], ""))
        .replace("FINISHED", ids[ids.len() - 1]);
    let directory = tempfile::tempdir().unwrap();
    let config_path = directory.path().join("schemathesis.toml");
    fs::write(&config_path, config).unwrap();

    let url = format!("http://{}", agent.rest);
    // To look further, by hand, ask for more examples and another seed.
    let wanted = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut command = python_peer("st");
    let command = command
        .current_dir(directory.path())
        // Nothing but loopback is asked.
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
