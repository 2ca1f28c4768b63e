//! Checks that a name stands for one type only.

use std::collections::BTreeMap;

use crate::rustdoc::{CRATES, Crate, inner};

#[test]
fn no_two_types_of_a_crate_have_one_name() {
    let mut twice = Vec::new();
    for name in CRATES {
        let of = Crate::read(name);
        let mut names = BTreeMap::<String, Vec<String>>::new();
        for item in of.items() {
            let kind = inner(item.json).0;
            if matches!(kind, "struct" | "enum" | "trait" | "union" | "type_alias") {
                let own = item.json["name"].as_str().unwrap();
                names.entry(own.to_owned()).or_default().push(item.path);
            }
        }
        let more = names.into_iter().filter(|(_, paths)| paths.len() > 1);
        twice.extend(more.map(|(own, paths)| (format!("{name}::{own}"), paths)));
    }
    assert!(
        twice.is_empty(),
        "one of these needs another name: {twice:#?}"
    );
}
