//! Rules of routers that an embedder adds.

use koukan::{config::Config, registry::Registry};
use koukan_core::{
    context::Sender,
    filter::router::{Decision, Policy},
    path::ForwardPath,
    reply::Rejection,
    signals::{Destination, HostPort},
};

use tower::layer::util::Identity;

use super::*;

/// Users whose names begin with a letter have a host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByLetter {
    letters: String,
    host: String,
}

#[derive(Debug)]
struct Shard {
    letters: String,
    host: HostPort,
}

impl Policy for Shard {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        match recipient.as_str().chars().next() {
            Some('h') => Decision::HandOver(Sender::new("there")),
            Some('e') => {
                let members = ["ann@example.org", "bob@example.org"];
                Decision::Expand(members.map(|to| to.parse().unwrap()).into())
            }
            Some('x') => Decision::Reject(Rejection::new(Reply::no_such_user())),
            Some(first) if self.letters.contains(first) => {
                Decision::Route(Destination::of_operator([self.host.clone()]))
            }
            _ => Decision::Pass,
        }
    }
}

fn shard(config: ByLetter, surroundings: &Surroundings) -> Result<Shard, InvalidFilter> {
    assert!(!surroundings.hostname.is_empty());
    let host = config.host.parse().map_err(|_| {
        InvalidFilter::new(format!("`{}` is no host and port", config.host))
            .within([Step::Key("host".into())])
    })?;
    Ok(Shard {
        letters: config.letters,
        host,
    })
}

const RULES: &str = "router: { rules: [
                by_letter: { letters: ab, host: \"example.net:25\" },
                address_list: { domains: [example.org], reject: mailbox_busy },
                by_letter: { letters: c, host: \"example.net:25\" } ] }";

fn text(rules: &str) -> String {
    format!(
        "hostname: me.example\nstorage: memory\nnotification: {{ sender: s }}\n\
         smtp_listener: [{{ address: \"127.0.0.1:0\", sender: s }}]\n\
         sender: [{{ name: s, chain: c }}]\n\
         chain:\n  - name: c\n    filter:\n      - {rules}\n    endpoint: {{ smtp: {{}} }}\n"
    )
}

#[tokio::test]
async fn a_rule_of_an_embedder_decides_in_its_place() {
    let script = Script::new();
    let builder = Koukan::builder()
        .resolver(resolver())
        .connector(connector(&script))
        .router_rule("by_letter", shard);
    let agent = start(builder, &text(RULES)).await;
    for (to, code) in [
        ("ann@example.org", "250 "),
        ("carol@example.com", "250 "),
        ("carol@example.org", "450 "),
        ("dave@example.com", "550 5.7.1"),
        ("xaver@example.com", "550 5.1.1"),
        // The chain does not end in an exploder.
        ("everybody@example.com", "451 4.3.5"),
    ] {
        let reply = send(&agent, "a@good.example", to).await;
        assert!(reply.starts_with(code), "{to}: {reply}");
    }
    agent.stop().await;
    assert_eq!(script.received().len(), 2);
}

#[tokio::test]
async fn a_rule_of_an_embedder_hands_recipients_over() {
    let script = Script::new();
    let builder = Koukan::builder()
        .resolver(resolver())
        .connector(connector(&script))
        .router_rule("by_letter", shard);
    let (own, there) = ("sender: [{ name: s, chain: c }", "endpoint: { smtp: {} }\n");
    let text = text(RULES)
        .replacen(own, &format!("{own}, {{ name: there, chain: there }}"), 1)
        .replacen(
            there,
            &format!("{there}  - {{ name: there, endpoint: {{ smtp: {{ host: [\"example.net:25\"] }} }} }}\n"),
            1,
        );
    let agent = start(builder, &text).await;
    let reply = send(&agent, "a@good.example", "hal@example.com").await;
    assert!(reply.starts_with("250 "), "{reply}");
    agent.stop().await;
    assert_eq!(
        script.only_received().recipient_texts(),
        ["hal@example.com"]
    );
}

#[test]
fn mistakes_in_it_are_told_where_they_stand() {
    let mut registry = Registry::default();
    registry.router_rule("by_letter", shard);
    for (from, to, at, told) in [
        (
            "example.net:25",
            "mx",
            "letters: ab",
            "`mx` is no host and port",
        ),
        (
            "letters: c, ",
            "",
            "by_letter: { host",
            "`letters` is missing",
        ),
        (
            "letters: c,",
            "letters: c, more: 1,",
            "more: 1",
            "no key `more`",
        ),
        (
            "by_letter: { letters: c",
            "by_leter: { letters: c",
            "by_leter",
            "did you mean `by_letter`",
        ),
        (
            "domains: [example.org]",
            "domains: []",
            "domains: []",
            "add one",
        ),
    ] {
        let text = text(&RULES.replacen(from, to, 1));
        let parsed = Config::parse(std::path::Path::new("k.yaml"), &text, &registry);
        let shown = parsed
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        let before = text.split(at).next().unwrap();
        let line = before.matches('\n').count() + 1;
        let place = format!("k.yaml:{line}:");
        let is_told = |shown: &str| shown.starts_with(&place) && shown.contains(told);
        // There may be warnings as well.
        assert!(shown.lines().any(is_told), "{to}: {shown}");
    }
}

#[test]
fn the_schema_of_an_agent_knows_its_rules_and_filters() {
    let mut registry = Registry::default();
    registry.router_rule("by_letter", shard);
    for filter in ["received_header", "colour"] {
        registry.filter(filter, |_: serde_json::Value| Identity::new());
    }
    let (schema, plain) = (Config::json_schema_with(&registry), Config::json_schema());
    let rules =
        |schema: &serde_json::Value| schema["$defs"]["Rule"]["oneOf"].as_array().unwrap().clone();
    let (rules, known) = (rules(&schema), rules(&plain));
    let (of_agent, own) = rules.split_at(known.len());
    assert_eq!(of_agent, known);
    assert_eq!(own[0]["required"][0], "by_letter");
    assert_eq!(own[0]["properties"]["by_letter"], true);
    assert_eq!(own[1]["const"], "by_letter");
    let filter = |schema: &serde_json::Value, name: &str| {
        schema["$defs"]["Filter"]["oneOf"][1]["properties"][name].clone()
    };
    registry.router_rule_schema("by_letter", serde_json::json!({ "type": "object" }));
    let described = Config::json_schema_with(&registry);
    let reference = &described["$defs"]["Rule"]["oneOf"][known.len()]["properties"]["by_letter"];
    assert_eq!(reference["$ref"], "#/$defs/rule.by_letter");
    assert_eq!(described["$defs"]["rule.by_letter"]["type"], "object");
    // The schema of the built-in filter is not used for the other filter with its name.
    assert_eq!(filter(&schema, "received_header"), true);
    assert_eq!(filter(&schema, "colour"), true);
    for name in ["clamav", "router", "policy_action"] {
        assert_eq!(filter(&schema, name), filter(&plain, name), "{name}");
        assert!(filter(&schema, name).is_object(), "{name}");
    }
}
