//! The schema for editors: it has the keys of every filter.

use koukan::{config::Config, registry::Registry};

use super::{packaging::python, *};

#[test]
fn every_filter_of_an_agent_has_its_keys_there() {
    let schema = Config::json_schema();
    let filters = &schema["$defs"]["Filter"]["oneOf"][1]["properties"];
    let mut missing = Vec::new();
    for name in Registry::default().names() {
        let keys = &filters[name]["anyOf"][0];
        if keys["additionalProperties"] != false {
            missing.push(name.to_owned());
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    for (filter, key) in [
        ("clamav", "next_after"),
        ("dkim_sign", "keys"),
        ("greylist", "known_after"),
        ("policy_action", "match"),
        ("router", "rules"),
    ] {
        let described = &filters[filter]["anyOf"][0]["properties"][key];
        assert!(!described.is_null(), "{filter} {key}");
    }
}

#[test]
fn configurations_and_what_pages_show_are_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schema.json");
    fs::write(&file, koukan(&["schema"]).stdout).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/schema.py");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = python().arg(script).arg(root).arg(&file).output().unwrap();
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{told}");
}
