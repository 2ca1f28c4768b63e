//! The floors of this crate: a module imports only modules below it.
//!
//! Also the maximum length of a source file in the workspace.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod code;
mod imports;
mod sources;

use self::{
    imports::{declared, imports},
    sources::{Source, core, workspace},
};

/// The top-level modules of this crate from the ground up.
///
/// A module may import those of the floors below its own, and those that precede it on its own
/// floor, so there are no cycles.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "values",
        &[
            "sync",
            "waking",
            "causes",
            "files",
            "lists",
            "few",
            "beginning",
            "shares",
            "repeats",
            "accepting",
            "supervision",
            "clock",
            "fnv",
            "random",
            "rate",
            "id",
            "path",
            "remote_address",
            "host_port",
            "reply",
            "envelope",
            "failure",
            "context",
            "network",
            "tls",
            "blocking",
            "pipe",
        ],
    ),
    ("octets", &["blob"]),
    ("messages", &["message"]),
    (
        "the contract",
        &["signals", "event", "body", "transaction", "service"],
    ),
    ("middleware", &["middleware"]),
    ("observers", &["observer"]),
    ("storage", &["storage"]),
    ("stages", &["resource", "incoming_blob", "stage"]),
    ("filters", &["filter"]),
    ("explanations", &["explain"]),
    ("all together", &["service_builder_ext", "test_util"]),
];

/// The first length that is too long.
const TOO_LONG: usize = 400;

/// The place of a module: its floor, and its index among all modules.
fn place(module: &str) -> Option<(&'static str, usize)> {
    let modules = FLOORS.iter().flat_map(|(floor, modules)| {
        let modules = modules.iter();
        modules.map(|module| (*floor, *module))
    });
    let mut places = modules.enumerate();
    places.find_map(|(place, (floor, found))| (found == module).then_some((floor, place)))
}

/// The wrong imports of a file: a sentence for each, with its place.
fn wrong_imports(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else {
        return unplaced(source);
    };
    let Some((floor, own)) = place(module) else {
        // This is reported at the declaration of the module.
        return Vec::new();
    };
    let mut faults = Vec::new();
    for import in imports(source) {
        let at = format!("{}:{}", source.path, import.line);
        let name = &import.name;
        match place(name) {
            None => faults.push(format!(
                "{at}: `{name}` is named at the root of the crate: import it from the module that \
                 holds it"
            )),
            Some((_, other)) if other < own => {}
            Some(_) if name == module => {}
            Some((other, _)) => faults.push(format!(
                "{at}: `{module}` (floor \"{floor}\") imports `{name}` (floor \"{other}\"), which \
                 does not stand below it: move what both need further down, or the user of it \
                 further up"
            )),
        }
    }
    faults
}

/// The modules that the root of the crate declares and that have no place.
fn unplaced(root: &Source) -> Vec<String> {
    let unplaced = declared(root)
        .into_iter()
        .filter(|import| place(&import.name).is_none());
    let tell = |import: imports::Import| {
        format!(
            "{}:{}: `{}` stands on no floor: give it a place in FLOORS",
            root.path, import.line, import.name
        )
    };
    unplaced.map(tell).collect()
}

/// A fault if the file is too long.
fn too_long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines >= TOO_LONG).then(|| {
        format!(
            "{}:{TOO_LONG}: the file has {lines} lines and must have fewer than {TOO_LONG}: split \
             it by what it holds",
            source.path
        )
    })
}

fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn imports_go_down_only() {
    let sources = core();
    assert_none(sources.iter().flat_map(wrong_imports).collect());
}

#[test]
fn every_place_is_that_of_a_module() {
    let sources = core();
    let root = sources.iter().find(|source| source.module().is_none());
    let declared = declared(root.unwrap());
    for module in FLOORS.iter().flat_map(|(_, modules)| *modules) {
        let is_declared = declared.iter().any(|import| import.name == *module);
        assert!(
            is_declared,
            "FLOORS has a place for `{module}`, which is no module"
        );
    }
}

#[test]
fn no_file_is_too_long() {
    let sources = workspace();
    assert_none(sources.iter().filter_map(too_long).collect());
}

#[test]
fn an_import_that_goes_up_is_found() {
    for (path, text, line, name) in [
        ("blob/mod.rs", "use crate::body::Body;", 1, "body"),
        ("blob.rs", "//! Blobs.\n\nuse crate::body;", 3, "body"),
        (
            "reply/code.rs",
            "use std::fmt;\nuse super::super::path::Mailbox;\nuse super::super::stage;",
            3,
            "stage",
        ),
        (
            "message/dsn/mod.rs",
            "use crate::{\n    path::{Mailbox, ReversePath},\n    transaction::Mail,\n};",
            3,
            "transaction",
        ),
        (
            "storage/mod.rs",
            "fn f() { crate::filter::router::go(); }",
            1,
            "filter",
        ),
        ("context/mod.rs", "pub use crate::pipe::pipe;", 1, "pipe"),
        (
            "body/mod.rs",
            "pub(crate) use crate :: transaction::Slot;",
            1,
            "transaction",
        ),
        (
            "signals/mod.rs",
            "let text = \"// no comment\"; use crate::service;",
            1,
            "service",
        ),
        (
            "blob/mod.rs",
            "#[cfg(test)]\nmod tests { use crate::stage; }\nuse crate::stage;",
            3,
            "stage",
        ),
        (
            "blob/mod.rs",
            "#[cfg(test)]\nmod tests;\nuse crate::stage;",
            3,
            "stage",
        ),
        ("clock/mod.rs", "use crate::InvalidId;", 1, "InvalidId"),
    ] {
        let faults = wrong_imports(&Source::new(path, text));
        let [fault] = &faults[..] else {
            panic!("{text}: {faults:?}");
        };
        assert!(fault.starts_with(&format!("{path}:{line}: ")), "{fault}");
        assert!(fault.contains(&format!("`{name}`")), "{fault}");
    }
}

#[test]
fn an_import_that_goes_down_is_none_of_the_faults() {
    for (path, text) in [
        (
            "stage/mod.rs",
            "use crate::{blob::Blob, body::{Body, BodyError}, storage};",
        ),
        (
            "stage/exploder/mod.rs",
            "use crate::stage::Leg;\nuse super::super::storage;",
        ),
        (
            "blob/mod.rs",
            "// use crate::stage;\n/* crate::stage /* crate::stage */ */",
        ),
        (
            "blob/mod.rs",
            "/// [`Body`](crate::body::Body)\nstruct Blob;",
        ),
        (
            "blob/mod.rs",
            "const A: &str = \"crate::stage\";\nconst B: &str = r#\"\"crate::stage\"#;",
        ),
        (
            "blob/mod.rs",
            "fn f<'a>(a: &'a str) -> char { '\"' } // crate::stage\nuse crate::id;",
        ),
        (
            "blob/mod.rs",
            "#[cfg(test)]\nmod tests {\n    const A: char = '}';\n    use crate::stage;\n}",
        ),
        ("blob/mod.rs", "#[cfg(test)]\nuse crate::test_util;"),
        ("blob/tests.rs", "use crate::test_util;"),
        ("blob/state.rs", "use super::stage;"),
        ("blob/mod.rs", "macro_rules! f { () => { $crate::f!() } }"),
    ] {
        assert_none(wrong_imports(&Source::new(path, text)));
    }
}

#[test]
fn a_module_without_a_place_is_found() {
    let root = Source::new("lib.rs", "mod blob;\n// mod attic;\npub mod cellar;\n");
    let faults = wrong_imports(&root);
    let [fault] = &faults[..] else {
        panic!("{faults:?}");
    };
    assert!(fault.starts_with("lib.rs:3: `cellar`"), "{fault}");
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let lines = |count| Source::new("blob/mod.rs", "\n".repeat(count));
    assert_eq!(too_long(&lines(399)), None);
    let fault = too_long(&lines(400)).unwrap();
    assert!(fault.starts_with("blob/mod.rs:400: "), "{fault}");
}
