//! The keys that every configuration has at its top.

use super::{Problem, Severity, node::Node};

/// A key that must be there.
struct Key {
    name: &'static str,
    /// A form of it, with which an agent could run.
    form: &'static str,
    what: &'static str,
}

const REQUIRED: [Key; 3] = [
    Key {
        name: "hostname",
        form: "hostname: mx.example.com",
        what: "the domain name by which this agent introduces itself",
    },
    Key {
        name: "sender",
        form: "sender: [{ name: out, chain: out }]",
        what: "who submits mail, and which chain the mail goes through",
    },
    Key {
        name: "chain",
        form: "chain: [{ name: out, endpoint: { smtp: { host: [\"mail.example.net:25\"] } } }]",
        what: "where mail goes: an endpoint, behind filters if need be",
    },
];

/// A problem for each of these keys that is not there, in the order in which files have them. There is none if the text
/// cannot be read.
pub(super) fn problems(text: &str) -> Vec<Problem> {
    let Ok(Node::Mapping(entries)) = serde_saphyr::from_str(text) else {
        return Vec::new();
    };
    let is_there = |name: &str| entries.iter().any(|(key, _)| key.value == name);
    let missing = REQUIRED.iter().filter(|key| !is_there(key.name));
    let problems = missing.map(|Key { name, form, what }| Problem {
        severity: Severity::Error,
        line: 0,
        column: 0,
        message: format!("`{name}` is missing"),
        help: Some(format!("add `{form}`: {what}")),
    });
    problems.collect()
}

/// The same text with a host name, if nothing else is missing: so the rest can be checked.
pub(super) fn with_hostname(text: &str, missing: &[Problem]) -> Option<String> {
    let [only] = missing else {
        return None;
    };
    let is_hostname = only.message.contains("`hostname`");
    is_hostname.then(|| format!("{text}\nhostname: missing.invalid\n"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{config::Config, registry::Registry};

    #[test]
    fn the_forms_together_are_a_configuration() {
        let forms: Vec<_> = REQUIRED.iter().map(|key| key.form).collect();
        let parsed = Config::parse(Path::new("k.yaml"), &forms.join("\n"), &Registry::default());
        assert!(parsed.is_ok(), "{parsed:?}");
    }

    #[test]
    fn without_one_of_them_it_cannot_be_read() {
        for key in &REQUIRED {
            let others = REQUIRED.iter().filter(|other| other.name != key.name);
            let others: Vec<_> = others.map(|other| other.form).collect();
            let text = others.join("\n");
            assert!(serde_saphyr::from_str::<Config>(&text).is_err());
            let [only] = &*problems(&text) else {
                panic!("{}", key.name)
            };
            assert_eq!(only.message, format!("`{}` is missing", key.name));
        }
    }
}
