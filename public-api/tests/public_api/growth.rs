//! Checks that types can grow: a type that may get another field or variant later is declared so now.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::rustdoc::{self, CRATES, Crate, inner};

/// The file that lists types that never grow, or only with a new major version.
const FILE: &str = "public-api/exhaustive.txt";

/// Whether users can take it apart, or construct it, by naming all fields or variants.
fn is_exhaustive(item: &Value) -> bool {
    let says_so = item["attrs"].to_string().contains("non_exhaustive");
    let (kind, inner) = inner(item);
    let is_open = match kind {
        "enum" => inner["variants"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "struct" => {
            let plain = &inner["kind"]["plain"];
            let fields = plain["fields"].as_array().map_or(0, Vec::len);
            fields > 0 && plain["has_stripped_fields"] == false
        }
        _ => false,
    };
    is_open && !says_so
}

#[test]
fn who_adds_a_type_that_cannot_grow_says_so() {
    let mut found = BTreeSet::new();
    for name in CRATES {
        let of = Crate::read(name);
        let items = of.items();
        let exhaustive = items.iter().filter(|item| is_exhaustive(item.json));
        found.extend(exhaustive.map(|item| item.path.clone()));
    }
    let known = fs::read_to_string(rustdoc::file(FILE)).unwrap();
    let known = known
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let known: BTreeSet<_> = known.map(str::to_owned).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(
        new.is_empty(),
        "#[non_exhaustive], or named in {FILE} as what never grows: {new:#?}"
    );
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "to be left out of {FILE}: {gone:#?}");
}
