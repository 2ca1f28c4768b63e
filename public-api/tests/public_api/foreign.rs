//! Types of other crates in the API: a new major version of one of these is a new one of ours, so
//! they are few and listed.

use std::{collections::BTreeSet, fs};

use crate::{golden, rustdoc};

/// The crates of the language itself.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// Crates that only macros' output uses.
const GENERATED: [&str; 1] = ["pin_project_lite"];
/// Crates whose types are reached through another crate.
const REACHED_BY: [(&str, &str); 6] = [
    ("axum_core", "axum"),
    ("hickory_net", "hickory"),
    ("serde_core", "serde"),
    ("tower_layer", "tower"),
    ("tower_service", "tower"),
    ("tracing_core", "tracing"),
];

/// For each crate, its page and the crates whose types are in its API.
const FOREIGN: [(&str, &str, &str); 8] = [
    (
        "koukan",
        "koukan-bin/src/lib.rs",
        "axum jiff schemars serde_core serde_json tower tower_layer tracing_subscriber",
    ),
    (
        "koukan_core",
        "koukan-core/src/lib.rs",
        "bytes futures_core futures_util hickory_net jiff metrics rustls rustls_pki_types serde_core serde_json \
         tokio tokio_rustls tower tower_layer tower_service tracing_core",
    ),
    (
        "koukan_mail_auth",
        "koukan-mail-auth/src/lib.rs",
        "tower_layer tower_service",
    ),
    (
        "koukan_rest",
        "koukan-rest/src/lib.rs",
        "axum axum_core bytes http http_body jiff serde_json tower tower_service",
    ),
    (
        "koukan_scan",
        "koukan-scan/src/lib.rs",
        "bytes futures_core tower tower_layer tower_service",
    ),
    (
        "koukan_simulation",
        "koukan-simulation/src/lib.rs",
        "futures_core jiff",
    ),
    (
        "koukan_smtp",
        "koukan-smtp/src/lib.rs",
        "bytes tokio tower tower_service",
    ),
    (
        "koukan_storage",
        "koukan-storage/src/lib.rs",
        "bytes jiff tokio",
    ),
];

/// The crates with which the paths in a text begin.
fn crates(text: &str) -> BTreeSet<&str> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == ':';
    let paths = text.split(|char| !is_part(char));
    let firsts = paths.filter_map(|path| Some(path.split_once("::")?.0));
    // Type parameters and traits begin with a capital.
    let is_crate = |first: &&str| first.starts_with(|char: char| char.is_ascii_lowercase());
    firsts.filter(is_crate).collect()
}

#[test]
fn types_of_other_crates_are_few_and_named() {
    for (name, page, known) in FOREIGN {
        let text = golden::text(name);
        let mut found = crates(&text);
        found.retain(|found| {
            let is_other = !found.starts_with("koukan") && !STANDARD.contains(found);
            is_other && !GENERATED.contains(found)
        });
        let known = BTreeSet::from_iter(known.split_whitespace());
        assert_eq!(found, known, "{name}: found, and known");
        let page = fs::read_to_string(rustdoc::file(page)).unwrap();
        for foreign in known {
            let by = REACHED_BY.iter().find(|(of, _)| *of == foreign);
            let shown = by.map_or(foreign, |(_, by)| by);
            let is_named = page.contains(&format!("`{shown}"));
            assert!(is_named, "{name}: its page does not name {shown}");
        }
    }
}

#[test]
fn crates_are_what_paths_begin_with() {
    let text =
        "impl<T> tower_service::Service<a::b::C> for koukan_core::X where T::Y: core::fmt::Debug";
    assert_eq!(
        Vec::from_iter(crates(text)),
        ["a", "core", "koukan_core", "tower_service"]
    );
}
