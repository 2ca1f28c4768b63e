//! Every reply that the server can give is given in a conversation or another test, with its enhanced status code.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What the server is made of that answers commands.
const SOURCES: [&str; 2] = ["src/server", "src/codec/command"];

/// The texts of all files below a directory with one of these endings.
fn read(directory: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|it| it.unwrap().path()));
        } else if path
            .extension()
            .is_some_and(|it| endings.iter().any(|end| it == *end))
        {
            let text = fs::read_to_string(&path).unwrap();
            all.push((path, text));
        }
    }
    all
}

/// What a constructor of replies makes: `250`, ` 2.0.0` or nothing, and the text.
struct Meaning {
    code: String,
    enhanced: String,
    text: String,
}

/// The constructors of replies by name, as the one place has them where they are written.
fn meanings() -> BTreeMap<String, Meaning> {
    let source = include_str!("../../koukan-core/src/reply/meaning.rs");
    let (_, table) = source.split_once("\nreplies! {").unwrap();
    let (table, _) = table.split_once("\n}").unwrap();
    let lines = table.lines().map(str::trim);
    let rows = lines.filter(|line| !line.starts_with("///") && line.contains(" = "));
    let row = |line: &str| {
        let (name, rest) = line.split_once(" = ").unwrap();
        let (before, text) = rest.split_once('"').unwrap();
        let (code, enhanced) = before.split_once(' ').unwrap();
        let enhanced: String = enhanced
            .chars()
            .filter(|one| one.is_ascii_digit() || *one == '.')
            .collect();
        let meaning = Meaning {
            code: code.to_owned(),
            enhanced: match (enhanced.is_empty(), name) {
                (false, _) => format!(" {enhanced}"),
                // To STARTTLS; the greeting has none.
                (true, "service_ready") => " 2.0.0".to_owned(),
                (true, _) => enhanced,
            },
            text: text.trim_end_matches("\";").to_owned(),
        };
        (name.to_owned(), meaning)
    };
    rows.map(row).collect()
}

/// The replies that a source makes: the constructor, and what stands in place of its text. `Some("")` is a text that
/// is made up as it runs.
fn made(source: &str) -> BTreeSet<(&str, Option<&str>)> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let code: Vec<_> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let mut made = BTreeSet::new();
    for (number, line) in code.iter().enumerate() {
        for (at, _) in line.match_indices("Reply::") {
            let rest = &line[at + "Reply::".len()..];
            let end = rest.find(|one: char| !one.is_ascii_lowercase() && one != '_');
            let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let next = code.get(number + 1).map_or("", |next| next.trim_start());
            let behind = match rest.strip_prefix("()") {
                Some("") if next.starts_with(".with_text") => next,
                Some(behind) => behind,
                None => "",
            };
            let text = behind.strip_prefix(".with_text(").map(|text| {
                let text = text.strip_prefix('"').unwrap_or_default();
                text.split('"').next().unwrap_or_default()
            });
            made.insert((name, text));
        }
    }
    made
}

#[test]
fn every_reply_of_the_server_is_given_in_a_test() {
    let meanings = meanings();
    assert!(meanings.len() > 90, "{}", meanings.len());
    let tests: String = read("tests", &["txt", "rs"])
        .into_iter()
        .filter(|(path, _)| !path.ends_with("every_reply.rs"))
        .map(|(_, text)| text)
        .collect();
    let (mut found, mut missing) = (0, Vec::new());
    for directory in SOURCES {
        for (path, source) in read(directory, &["rs"]) {
            if path.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            for (name, text) in made(&source) {
                // Of others, functions of `Reply` that make none.
                let Some(meaning) = meanings.get(name) else {
                    continue;
                };
                let Meaning { code, enhanced, .. } = meaning;
                let text = text.unwrap_or(&meaning.text);
                // Before EHLO there are no enhanced codes.
                let is_before = [
                    "other_protocol",
                    "too_many_connections",
                    "elapsed",
                    "spoke_too_early",
                ]
                .contains(&name);
                let with = format!("{code}{enhanced} {text}");
                let without = format!("{code} {text}");
                let is_given = tests.contains(with.trim_end())
                    || is_before && tests.contains(without.trim_end());
                found += 1;
                if !is_given {
                    missing.push(format!("{with} ({name} in {})", path.display()));
                }
            }
        }
    }
    assert!(found > 50, "{found}");
    assert!(missing.is_empty(), "{missing:#?}");
}
