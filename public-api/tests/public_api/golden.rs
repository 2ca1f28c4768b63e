//! The whole public API in files, so that every change is visible.

use std::{collections::BTreeSet, fmt::Write, fs};

use crate::rustdoc::{self, CRATES};

const RENEW: &str = "UPDATE_GOLDEN=1 cargo test --locked -p koukan-public-api golden";
/// The most lines of a difference that are shown.
const SHOWN_MAX: usize = 60;

/// The public items of a crate, one in each line.
pub(crate) fn text(name: &str) -> String {
    let api = public_api::Builder::from_rustdoc_json(rustdoc::path(name))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build();
    format!("{}", api.unwrap())
}

#[test]
fn what_is_public_stands_in_a_file() {
    let mut differences = String::new();
    for name in CRATES {
        let path = rustdoc::file(&format!("docs/api/{name}.txt"));
        let now = text(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(path, now).unwrap();
            continue;
        }
        let known = fs::read_to_string(path).unwrap_or_default();
        if known != now {
            writeln!(differences, "docs/api/{name}.txt").unwrap();
            differences.push_str(&difference(&known, &now));
        }
    }
    assert!(
        differences.is_empty(),
        "the public API is another one; where that is meant, renew its files by\n    {RENEW}\n{differences}"
    );
}

/// The lines that are only in one of them.
fn difference(known: &str, now: &str) -> String {
    let [known, now] = [known, now].map(|text| BTreeSet::from_iter(text.lines()));
    let gone = known.difference(&now).map(|line| format!("  - {line}\n"));
    let new = now.difference(&known).map(|line| format!("  + {line}\n"));
    gone.chain(new).take(SHOWN_MAX).collect()
}

#[test]
fn a_difference_tells_what_is_gone_and_what_is_new() {
    assert_eq!(difference("a\nb\n", "a\nc\n"), "  - b\n  + c\n");
}
