//! That a name says which type is meant.

use std::collections::BTreeMap;

use crate::rustdoc::{CRATES, Crate, inner};

/// Names that two types of one crate have. None is added: a new type has a name of its own.
const TWICE: &[&str] = &[
    "koukan_core::Action",
    "koukan_core::Answer",
    "koukan_core::Charge",
    "koukan_core::Collected",
    "koukan_core::Custody",
    "koukan_core::End",
    "koukan_core::Ended",
    "koukan_core::HeaderValue",
    "koukan_core::List",
    "koukan_core::ListState",
    "koukan_core::Listed",
    "koukan_core::Log",
    "koukan_core::Notify",
    "koukan_core::Observer",
    "koukan_core::Outcome",
    "koukan_core::Parsed",
    "koukan_core::Phase",
    "koukan_core::Policy",
    "koukan_core::Queued",
    "koukan_core::Recipient",
    "koukan_core::Report",
    "koukan_core::Settings",
    "koukan_core::Status",
    "koukan_core::Timeouts",
    "koukan_core::TlsRequired",
    "koukan_core::Wanted",
    "koukan_smtp::Limits",
    "koukan_smtp::Step",
    "koukan_smtp::Timeouts",
];

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
    let new = twice.iter().filter(|(own, _)| !TWICE.contains(&&**own));
    let new: Vec<_> = new.collect();
    assert!(new.is_empty(), "one of these needs another name: {new:#?}");
    let is_twice = |own: &&&str| twice.iter().any(|(other, _)| other == **own);
    let gone: Vec<_> = TWICE.iter().filter(|own| !is_twice(own)).collect();
    assert!(
        gone.is_empty(),
        "no more there twice, and to be left out of the list: {gone:?}"
    );
}
