//! Notifications, as read by sisimai, which analyses the bounces of many agents.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;

use crate::{
    agent::Agent,
    client::Client,
    collector::Collector,
    peers::{peer, run},
    process::eventually,
};

/// Prints sisimai's result for the message in a file, as JSON.
const ANALYSE: &str = "use Sisimai; print Sisimai->dump($ARGV[0], 'delivered' => 1)";

/// Sisimai's result for the message in a file: each recipient that it finds.
fn analyse(file: &Path) -> Vec<Value> {
    let printed = run(peer("perl").args(["-e", ANALYSE]).arg(file));
    serde_json::from_str(&printed).unwrap()
}

fn assert_fields(name: &str, found: &Value, fields: &[(&str, &str)]) {
    for (field, value) in fields {
        assert_eq!(found[field], *value, "{name}: {field} of {found}");
    }
}

#[test]
fn sisimai_reads_each_kind() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../koukan-core/tests/notifications");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        // Sisimai is older than the types of RFC 6533.
        if !name.ends_with(".eml") || name.contains("utf8") {
            continue;
        }
        count += 1;
        if name == "failed_several.eml" {
            assert_several(&name, &analyse(&file));
            continue;
        }
        let action = name.split('_').next().unwrap();
        let (action, reason, status) = match action {
            "delayed" => (action, "suspend", "4.2.1"),
            "delivered" | "relayed" | "expanded" => (action, "delivered", "2.6.0"),
            _ => ("failed", "userunknown", "5.1.1"),
        };
        let [found] = &analyse(&file)[..] else {
            panic!("{name} is not one report");
        };
        let fields = [
            ("action", action),
            ("reason", reason),
            ("deliverystatus", status),
            ("recipient", "bob@example.net"),
            ("addresser", "alice@example.com"),
            ("subject", "lunch"),
            ("messageid", "1@example.com"),
        ];
        assert_fields(&name, found, &fields);
    }
    assert_eq!(count, 13);
}

/// Two recipients that have failed, and one whose message was relayed.
fn assert_several(name: &str, found: &[Value]) {
    let told = found.iter().map(|it| {
        let field = |name: &str| it[name].as_str().unwrap().to_owned();
        [field("recipient"), field("action")]
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    let expected = [
        ["bob@example.net", "failed"],
        ["carol@example.org", "relayed"],
        ["dan@example.org", "failed"],
    ];
    assert_eq!(told, expected, "{name}");
}

#[test]
fn sisimai_reads_what_an_agent_sends() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let mut client = Client::connect(agent.submission).unwrap();
    let message = "Subject: lunch\r\nMessage-ID: <1@example.org>\r\n\r\nAt noon?\r\n";
    let to = [
        "a@example.com",
        "then554@example.com",
        "then552@example.net",
    ];
    client.send("alice@example.org", &to, message).unwrap();
    eventually(Duration::from_secs(30), || {
        !sink.messages("alice@example.org").is_empty()
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), sink.only_message("alice@example.org")).unwrap();
    // Both recipients are in the only message that she has.
    let found = analyse(file.path());
    let mut told: Vec<_> = found.iter().map(|it| it["recipient"].clone()).collect();
    told.sort_unstable_by_key(Value::to_string);
    assert_eq!(told, ["then552@example.net", "then554@example.com"]);
    for found in &found {
        let fields = [
            ("action", "failed"),
            ("addresser", "alice@example.org"),
            ("subject", "lunch"),
        ];
        assert_fields("the agent's", found, &fields);
    }
}
