//! Several mistakes in one file are told in one go, and each of them once.

use koukan::config::{Problem, Severity};

use super::*;

const MANY: &str = "\
hostname: mx.example.com
storage: { sqlite: k.sqlite, memory_budget: big }
log: loud
smtp_listener:
  - adress: \"127.0.0.1:1025\"
    sender: in
  - address: \"127.0.0.1:1587\"
    sender: in
    max_message_size: 5MB
    auth: { clear: maybe, htp: {} }
sender:
  - nme: in
    chain: in
  - { chain: out }
chain:
  - name: in
    filter:
      - received_header: { max_recieved: 5, max_received: many }
      - recieved_header
      - rate_limit: { limits: [{ by: mail_from }, { rate: 5 }] }
      - router: { rules: [{ address_list: { domain: [a.example], hosts: a }, bridge: {} }, { brigde: {} }] }
    endpoint:
      exploder:
        sendr: in
  - name: out
    retry: [5m]
    endpoint: { carrier_pigeon: {} }
";

fn problems(text: &str) -> Vec<Problem> {
    match Config::parse(Path::new("k.yaml"), text, &Registry::default()) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems,
    }
}

#[test]
fn mistakes_of_every_kind_in_one_file() {
    let told = check(MANY).unwrap_err();
    let foreign = FOREIGN.iter().find(|word| told.contains(**word));
    assert_eq!(foreign, None, "{told}");
    let all = [
        (2, "`big` is not a size", ""),
        (3, "a mapping is expected here", "key: value"),
        (
            5,
            "`address` is missing",
            "add `address:`, the address and port",
        ),
        (
            5,
            "there is no key `adress` here",
            "did you mean `address`?",
        ),
        (9, "`5MB` is not a size", ""),
        (10, "`true` or `false` is expected", ""),
        (10, "there is no key `htp` here", "did you mean `http`?"),
        (12, "`name` is missing", "add `name:`, the sender's name"),
        (12, "there is no key `nme` here", "did you mean `name`?"),
        (14, "`name` is missing", "add `name:`"),
        (
            18,
            "filter `received_header`: there is no key `max_recieved` here",
            "did you mean",
        ),
        (
            18,
            "filter `received_header`: a whole number is expected",
            "",
        ),
        (
            19,
            "unknown filter `recieved_header`",
            "did you mean `received_header`?",
        ),
        (20, "filter `rate_limit`: `rate` is missing", "add `rate:`"),
        (
            20,
            "filter `rate_limit`: `by` is missing",
            "add `by:`, what messages have in common",
        ),
        (20, "filter `rate_limit`: `5` is not a rate", ""),
        (21, "filter `router`: `brigde` is not known here", ""),
        (
            24,
            "`policy` is missing",
            "add `policy:`, what kind of client it is",
        ),
        (24, "`sender` is missing", "add `sender:`, on whose behalf"),
        (24, "there is no key `sendr` here", "did you mean `sender`?"),
        (26, "a mapping is expected here", ""),
        (27, "`carrier_pigeon` is not known here", ""),
    ];
    let found = problems(MANY);
    let mut wrong = Vec::new();
    for (line, message, help) in all {
        let is_told = |problem: &&Problem| {
            let told = problem.help.as_deref().unwrap_or_default();
            problem.line == line && problem.message.contains(message) && told.contains(help)
        };
        match found.iter().filter(is_told).count() {
            1 => {}
            times => wrong.push(format!("{times} times: {line}: {message} ({help})")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\n{told}");
    assert_eq!(found.len(), all.len(), "{told}");
    assert!(found.iter().all(|problem| problem.column > 0), "{told}");
    assert!(found.is_sorted_by_key(|problem| problem.line), "{told}");
}

#[test]
fn several_mistakes_in_the_filters_of_a_file_that_can_be_read() {
    let filters = "      - clamav: { adress: \"127.0.0.1:3310\", fail: shut }\n      - greylist: { known_after: many, kep: 5d }\n";
    let found = problems(&changed(BUILDER, filters));
    let messages: Vec<_> = found.iter().map(|problem| &*problem.message).collect();
    for part in [
        "filter `greylist`: there is no key `kep`",
        "filter `greylist`: a whole number",
    ] {
        let told = messages.iter().filter(|message| message.contains(part));
        assert_eq!(told.count(), 1, "{part}: {messages:?}");
    }
}

/// The errors that a change has added.
fn added(before: &[Problem], changed: &str) -> Vec<Problem> {
    let is_new = |problem: &Problem| {
        let is_known = |known: &Problem| known.message == problem.message;
        problem.severity == Severity::Error && !before.iter().any(is_known)
    };
    problems(changed).into_iter().filter(is_new).collect()
}

/// The names of keys in a text, with the places where they begin.
fn keys(text: &str) -> Vec<(usize, &str)> {
    let mut keys = Vec::new();
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let code = line.split(" #").next().unwrap_or_default();
        let code = if code.trim_start().starts_with('#') {
            ""
        } else {
            code
        };
        for (colon, _) in code.match_indices(": ").chain(code.match_indices(":\n")) {
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            let name = code[..colon]
                .rsplit(|c| !is_name(c))
                .next()
                .unwrap_or_default();
            let before = code[..colon - name.len()].chars().next_back();
            if !name.is_empty() && before.is_none_or(|before| " {[".contains(before)) {
                keys.push((begin + colon - name.len(), name));
            }
        }
        begin += line.len();
    }
    keys
}

fn published() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config");
    let folders = ["local", "examples"].map(|name| format!("{folder}/{name}"));
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

#[test]
fn a_key_that_is_not_known_is_told_once_and_nothing_else_but_that_it_is_missing() {
    let (mut told, mut wrong) = (0, Vec::new());
    for text in published() {
        let before = problems(&text);
        for (place, name) in keys(&text).into_iter().step_by(3) {
            let changed = format!("{}zz_{}", &text[..place], &text[place..]);
            let found = added(&before, &changed);
            let unknown = format!("there is no key `zz_{name}` here");
            let missing = format!("`{name}` is missing");
            let count = |part: &str| {
                let with = found
                    .iter()
                    .filter(|problem| problem.message.contains(part));
                with.count()
            };
            if count(&unknown) == 0 {
                // A name that is free, such as that of a tag, or of an endpoint.
                continue;
            }
            told += 1;
            if count(&unknown) != 1 || count(&missing) > 1 || found.len() > 1 + count(&missing) {
                wrong.push((name.to_owned(), found));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(told > 20, "{told}");
}

#[test]
fn a_list_of_lists_in_place_of_a_value_is_told_once() {
    let (mut told, mut wrong) = (0, Vec::new());
    for text in published() {
        let before = problems(&text);
        for (place, name) in keys(&text).into_iter().step_by(3) {
            let after = place + name.len() + 2;
            let end = text[place..]
                .find('\n')
                .map_or(text.len(), |end| place + end);
            let value = text.get(after..end).unwrap_or_default();
            if value.is_empty() || value.contains([',', '{', '}', '[', ']', '#']) {
                continue;
            }
            let changed = format!("{}[[]]{}", &text[..after], &text[end..]);
            let line = text[..place].matches('\n').count() as u64 + 1;
            match &*added(&before, &changed) {
                [only] if only.line == line => told += 1,
                found => wrong.push((name.to_owned(), line, found.to_vec())),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(told > 5, "{told}");
}

#[test]
fn a_mistake_in_a_file_without_others_is_told_alone() {
    for text in published() {
        let before = problems(&text);
        let changed = format!("{text}\nzz_top: 1\n");
        let found = added(&before, &changed);
        assert_eq!(found.len(), 1, "{found:#?}");
    }
    assert!(published().len() >= 6);
}

#[test]
fn what_can_be_written_in_several_ways_is_no_mistake() {
    let many = "smtp: { max_connections: 0x10, lmtp: Yes, downgrade: ~, tls: never, host: [5] }";
    let text = changed("smtp: {}", many).replace(HOSTNAME, "hostname: 5\nlog: { levl: info }\n");
    let found = problems(&text);
    let [only] = &*found else {
        panic!("{found:#?}");
    };
    assert!(only.message.contains("no key `levl`"), "{only:?}");
}
