//! The shape of a configuration: which keys are missing or unknown, and which values are of another type.
//!
//! The YAML reader stops at its first error. Once it has found one, the whole file is compared with the schema, which is
//! made from the same types, so that everything of this kind is reported at once. Only what is certain is reported: the
//! parts of an embedder, and values that the schema describes in several ways, are left to their readers.

mod values;

use serde_json::Value;

use super::{
    Config, Place, Problem, Severity,
    node::Node,
    suggest::instead,
    words::{head, plain},
};
use crate::registry::Registry;

/// Everything that is wrong with the shape of the file, except for keys that are missing at its top. Nothing if the text
/// cannot be read at all.
pub(super) fn problems(text: &str, registry: &Registry) -> Vec<Problem> {
    let Ok(Node::Mapping(entries)) = serde_saphyr::from_str(text) else {
        return Vec::new();
    };
    let schema = Config::json_schema();
    let mut walk = Walk::new(&schema, registry);
    walk.entries(&schema, &entries);
    walk.problems
}

/// The same for the filters of chains alone.
pub(super) fn problems_of_filters(text: &str, registry: &Registry) -> Vec<Problem> {
    let Ok(root) = serde_saphyr::from_str::<Node>(text) else {
        return Vec::new();
    };
    let schema = Config::json_schema();
    let mut walk = Walk::new(&schema, registry);
    let chains = root.entry("chain").map_or(&[][..], Node::items);
    let lists = chains
        .iter()
        .filter_map(|chain| chain.value.entry("filter"));
    lists
        .flat_map(Node::items)
        .for_each(|item| walk.filter(item));
    walk.problems
}

/// Adds problems to others, in the order of their places. Of those that both know, that of the schema stays, since it says
/// more of what to add. Where the other says something else of the same place, the other stays.
pub(super) fn add(problems: &mut Vec<Problem>, mut found: Vec<Problem>) {
    let is_same = |one: &Problem, other: &Problem| {
        one.line == other.line && head(&one.message) == head(&other.message)
    };
    let place = |problem: &Problem| (problem.line, problem.column);
    let mut others = Vec::new();
    for known in problems.iter_mut() {
        match found.iter().position(|new| is_same(known, new)) {
            Some(index) => *known = found.remove(index),
            None => others.push(place(known)),
        }
    }
    found.retain(|new| !others.contains(&place(new)));
    problems.append(&mut found);
    problems.sort_by_key(place);
}

/// A walk through the file and the schema at the same time.
struct Walk<'a> {
    definitions: &'a Value,
    registry: &'a Registry,
    /// The filter whose configuration is looked at.
    filter: Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    fn new(schema: &'a Value, registry: &'a Registry) -> Self {
        Self {
            definitions: &schema["$defs"],
            registry,
            filter: None,
            problems: Vec::new(),
        }
    }

    /// Looks at a value; `place` is where a problem with the whole value is reported.
    fn value(&mut self, schema: &'a Value, node: &Place<Node>, place: Place<()>) {
        let reference = schema["$ref"].as_str();
        match reference.and_then(|target| target.strip_prefix("#/$defs/")) {
            Some("Filter") => return self.filter(node),
            Some(name) => {
                return match values::is_text(name) {
                    true => self.text(name, node, place),
                    false => self.value(&self.definitions[name], node, place),
                };
            }
            None => {}
        }
        let alternatives = ["anyOf", "oneOf"].map(|key| schema[key].as_array());
        match alternatives.into_iter().flatten().next() {
            Some(all) => self.one_of(all, node, place),
            None => self.typed(schema, node, place),
        }
    }

    /// Looks at a value of which the schema describes several forms.
    fn one_of(&mut self, all: &'a [Value], node: &Place<Node>, place: Place<()>) {
        let is_nothing = |one: &&Value| one["type"] == "null";
        if node.value.is_nothing() && all.iter().any(|one| is_nothing(&one)) {
            return;
        }
        let forms: Vec<&Value> = all.iter().filter(|one| !is_nothing(one)).collect();
        if let [only] = *forms {
            return self.value(only, node, place);
        }
        let words: Vec<&str> = forms
            .iter()
            .filter_map(|form| form["const"].as_str())
            .collect();
        if words.len() == forms.len() {
            return self.word(&words, node, place);
        }
        let tags: Vec<&str> = forms.iter().filter_map(|form| tag(form)).collect();
        if tags.len() == forms.len() {
            return self.tagged(&forms, &tags, node, place);
        }
        let kind = match &node.value {
            Node::Mapping(_) => "object",
            Node::List(_) => "array",
            Node::Scalar(_) => return,
        };
        let mut same_kind = forms.iter().copied().filter(|form| form["type"] == kind);
        if let (Some(form), None) = (same_kind.next(), same_kind.next()) {
            self.value(form, node, place);
        }
    }

    /// Looks at a mapping whose only key says what the value is, such as an endpoint.
    fn tagged(&mut self, forms: &[&'a Value], tags: &[&str], node: &Place<Node>, place: Place<()>) {
        let own = self
            .registry
            .endpoint_names()
            .chain(self.registry.rule_names());
        let own: Vec<String> = own.map(str::to_owned).collect();
        let is_own = |name: &str| own.iter().any(|own| own == name);
        match &node.value {
            Node::Scalar(Value::Null) => self.wrong(place, values::NOTHING),
            Node::Scalar(Value::String(name)) if is_own(name) => {}
            Node::Scalar(_) | Node::List(_) => self.wrong(place, values::NO_MAPPING),
            Node::Mapping(entries) => {
                // Others than one are reported by the reader.
                let [(key, value)] = &**entries else { return };
                let known = tags.iter().position(|tag| *tag == key.value);
                match known.and_then(|index| forms.get(index).copied()) {
                    Some(form) => {
                        let place = self.place_of(key.place(), value);
                        self.value(&form["properties"][&key.value], value, place);
                    }
                    None if is_own(&key.value) => {}
                    None => {
                        let tags = tags.iter().copied().chain(own.iter().map(String::as_str));
                        self.wrong(key.place(), &values::unknown("variant", &key.value, tags));
                    }
                }
            }
        }
    }

    /// Looks at a value of which the schema describes one form.
    fn typed(&mut self, schema: &'a Value, node: &Place<Node>, place: Place<()>) {
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            return self.word(&words, node, place);
        }
        match &node.value {
            Node::Mapping(entries) if values::may_be(schema, "object") => {
                self.required(schema, entries, place);
                self.entries(schema, entries);
            }
            Node::List(items) if values::may_be(schema, "array") => {
                let items = items.iter();
                items.for_each(|item| self.value(&schema["items"], item, item.place()));
            }
            node => {
                if let Some(message) = values::wrong(schema, node) {
                    self.wrong(place, &message);
                }
            }
        }
    }

    /// Looks for keys that are missing in a mapping.
    fn required(
        &mut self,
        schema: &Value,
        entries: &[(Place<String>, Place<Node>)],
        place: Place<()>,
    ) {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if entries.iter().all(|(key, _)| key.value != name) {
                let what = values::summary(&schema["properties"][name]);
                let help = what.map_or_else(
                    || format!("add `{name}:`"),
                    |what| format!("add `{name}:`, {what}"),
                );
                self.note(place, format!("`{name}` is missing"), Some(help));
            }
        }
    }

    /// Looks at the entries of a mapping.
    fn entries(&mut self, schema: &'a Value, entries: &[(Place<String>, Place<Node>)]) {
        let others = &schema["additionalProperties"];
        for (key, value) in entries {
            let place = self.place_of(key.place(), value);
            match schema["properties"].get(&key.value) {
                Some(described) => self.value(described, value, place),
                None if *others == false => {
                    let known = schema["properties"].as_object().into_iter().flatten();
                    let known = known.map(|(name, _)| name.as_str());
                    self.wrong(key.place(), &values::unknown("field", &key.value, known));
                }
                None => self.value(others, value, place),
            }
        }
    }

    /// Looks at a filter of a chain.
    fn filter(&mut self, filter: &Place<Node>) {
        let (name, config) = match &filter.value {
            Node::Scalar(Value::String(name)) => (name, None),
            Node::Mapping(entries) => match &**entries {
                [(name, config)] => (&name.value, Some(config)),
                _ => return,
            },
            _ => return,
        };
        if !self.registry.has(name) {
            let help = instead("filter", name, self.registry.names());
            return self.note(
                filter.place(),
                format!("unknown filter `{name}`"),
                Some(help),
            );
        }
        // The schema is that of the built-in filter.
        if !self.registry.describes(name) {
            return;
        }
        let schema = &self.definitions["Filter"]["oneOf"][1]["properties"][name];
        let nothing = Place::nowhere(Node::Mapping(Vec::new()));
        self.filter = Some(name.clone());
        self.value(schema, config.unwrap_or(&nothing), filter.place());
        self.filter = None;
    }

    fn word(&mut self, words: &[&str], node: &Place<Node>, place: Place<()>) {
        if let Some(message) = values::wrong_word(words, &node.value) {
            self.wrong(place, &message);
        }
    }

    fn text(&mut self, name: &str, node: &Place<Node>, place: Place<()>) {
        if let Some(message) = values::wrong_text(name, &node.value) {
            self.wrong(place, &message);
        }
    }

    /// Where a problem with the whole value of a key is reported: in a filter at the key, since filters are read from
    /// values without places.
    fn place_of(&self, key: Place<()>, value: &Place<Node>) -> Place<()> {
        match (&self.filter, &value.value) {
            (Some(_), Node::Mapping(_) | Node::List(_)) => key,
            _ => value.place(),
        }
    }

    /// Adds a problem in the words of the YAML reader.
    fn wrong(&mut self, place: Place<()>, message: &str) {
        let (message, help) = plain(message);
        self.note(place, message, help);
    }

    fn note(&mut self, place: Place<()>, message: String, help: Option<String>) {
        let message = match &self.filter {
            Some(filter) => format!("filter `{filter}`: {message}"),
            None => message,
        };
        self.problems.push(Problem {
            severity: Severity::Error,
            line: place.line,
            column: place.column,
            message,
            help,
        });
    }
}

/// The only key of a mapping that the schema describes.
fn tag(form: &Value) -> Option<&str> {
    match &**form["required"].as_array()? {
        [only] if form["additionalProperties"] == false => only.as_str(),
        _ => None,
    }
}
