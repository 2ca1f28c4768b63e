//! The rules for dependencies: licences, banned crates, and crates of which there may be only one version.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const LICENCES: [&str; 14] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];
const BANNED: [&str; 4] = ["ring", "openssl-sys", "native-tls", "rsa"];
/// Crates that the core must not depend on: each brings sockets, databases, HTTP or TLS.
const OUTSIDE: [&str; 8] = [
    "mio",
    "socket2",
    "sqlx",
    "sqlx-core",
    "http",
    "hyper",
    "axum",
    "rustls",
];
const ONCE: [&str; 12] = [
    "tokio",
    "hyper",
    "http",
    "http-body",
    "rustls",
    "sqlx",
    "axum",
    "tower",
    "tower-http",
    "serde",
    "thiserror",
    "bytes",
];

/// Cargo's metadata of all packages.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        // Packages for other platforms have not been downloaded.
        .args(["--filter-platform", &host()])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"),
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Cargo's name for this platform.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let facts = String::from_utf8(output.stdout).unwrap();
    let host = facts.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

/// Whether the licences above satisfy an SPDX expression.
fn is_allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    let is_known = |licence: &str| LICENCES.contains(&licence.trim());
    plain
        .split(" AND ")
        .all(|all| all.split(" OR ").any(is_known))
}

#[test]
fn every_licence_is_allowed() {
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(is_allowed(licence), "{}: {licence}", package["name"]);
    }
}

/// The names of the crates that are built with these arguments. The lock file also names crates that only optional
/// features need.
fn built(arguments: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline"])
        .args(["--prefix", "none", "--format", "{p}"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"),
        ])
        .args(arguments)
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn nothing_banned_is_depended_on() {
    let names = built(&["--workspace"]);
    assert!(names.iter().any(|name| name == "rustls"));
    for name in names {
        assert!(!BANNED.contains(&&*name), "{name} is banned: see deny.toml");
    }
}

#[test]
fn the_core_alone_has_no_sockets_databases_http_or_tls() {
    let core = ["--package", "koukan-core", "--edges", "normal"];
    let names = built(&core);
    assert!(names.iter().any(|name| name == "tokio"));
    for name in names {
        assert!(!OUTSIDE.contains(&&*name), "koukan-core needs {name}");
    }
    // With the feature, the crate is there: so the test finds it.
    let names = built(&[&core[..], &["--features", "net"]].concat());
    assert!(names.iter().any(|name| name == "mio"));
}

#[test]
fn a_library_has_neither_a_command_line_nor_an_allocator_unless_it_is_asked() {
    let library = [
        "--package",
        "koukan",
        "--edges",
        "normal",
        "--no-default-features",
    ];
    let names = built(&[&library[..], &["--features", "dns,mail-auth"]].concat());
    assert!(names.iter().any(|name| name == "axum"));
    for name in ["clap", "mimalloc"] {
        assert!(!names.iter().any(|built| built == name), "it needs {name}");
    }
    let names = built(&[&library[..], &["--features", "cli,allocator"]].concat());
    for name in ["clap", "mimalloc"] {
        assert!(names.iter().any(|built| built == name));
    }
}

/// The number of crates that are built for one crate, including itself.
fn count(arguments: &[&str]) -> usize {
    let names = built(&[arguments, &["--edges", "normal"]].concat());
    BTreeSet::from_iter(names).len()
}

#[test]
fn no_crate_needs_more_crates_than_its_page_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/dependencies.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `-p "));
    let mut seen = 0;
    for row in rows {
        let (arguments, rest) = row.split_once("` | ").unwrap();
        let most: usize = rest.split(' ').next().unwrap().parse().unwrap();
        let arguments: Vec<_> = ["--package"]
            .into_iter()
            .chain(arguments.split(' '))
            .collect();
        let count = count(&arguments);
        assert!(count <= most, "{arguments:?}: {count} crates");
        seen += 1;
    }
    assert_eq!(seen, 13);
}

#[test]
fn what_is_passed_between_crates_is_there_once() {
    let mut versions = BTreeMap::<String, Vec<String>>::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap().to_owned();
        let version = package["version"].as_str().unwrap().to_owned();
        versions.entry(name).or_default().push(version);
    }
    for name in ONCE {
        let versions = versions.get(name).map_or(0, Vec::len);
        assert!(versions <= 1, "{name} is there {versions} times");
    }
}

/// All Rust sources below a directory, and the files that they include, since included documents have examples.
fn sources(directory: &Path) -> String {
    let mut all = String::new();
    for path in rust_files(directory) {
        let source = fs::read_to_string(&path).unwrap();
        for start in ["include_str!(\"", "#[path = \""] {
            for included in source.split(start).skip(1) {
                let name = included.split('"').next().unwrap();
                let text = fs::read_to_string(path.with_file_name(name));
                all.push_str(&text.unwrap_or_default());
            }
        }
        all.push_str(&source);
    }
    all
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            all.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
    all
}

/// The dependencies of a package that its sources do not name.
fn unused(dependencies: &[&str], sources: &str) -> Vec<String> {
    let is_part = |char: char| !char.is_alphanumeric() && char != '_';
    let words: BTreeSet<_> = sources.split(is_part).collect();
    let names = dependencies.iter().map(|name| name.replace('-', "_"));
    names.filter(|name| !words.contains(&**name)).collect()
}

#[test]
fn nothing_is_depended_on_in_vain() {
    for package in packages() {
        // `interleavings` compiles the sources of other packages.
        if !package["source"].is_null() || package["name"] == "koukan-interleavings" {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let names: Vec<_> = dependencies
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        let unused = unused(&names, &sources(manifest.parent().unwrap()));
        assert!(unused.is_empty(), "{}: {unused:?}", package["name"]);
    }
}

#[test]
fn a_dependency_that_nothing_names_is_found() {
    let sources = "use tower_test::mock; // tokio_util";
    assert_eq!(unused(&["tower-test", "tower"], sources), ["tower"]);
}

/// The agent connects to sockets: no program inherits its environment and what it was handed over.
#[test]
fn no_crate_of_the_agent_starts_programs() {
    let mut read = 0;
    for package in packages() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let name = package["name"].as_str().unwrap();
        let source = manifest.with_file_name("src");
        if package["source"].is_null() && name.starts_with("koukan") && source.is_dir() {
            // Tests that are included from elsewhere start databases.
            for file in rust_files(&source) {
                let text = fs::read_to_string(&file).unwrap();
                assert!(!text.contains("process::Command"), "{}", file.display());
            }
            read += 1;
        }
    }
    assert!(read >= 8, "{read}");
}

#[test]
fn expressions_are_read_as_spdx() {
    assert!(is_allowed("MIT OR Apache-2.0"));
    assert!(is_allowed("MIT/Apache-2.0"));
    assert!(is_allowed("(MIT OR GPL-3.0) AND Unicode-3.0"));
    assert!(!is_allowed("GPL-3.0"));
    assert!(!is_allowed("MIT AND GPL-3.0"));
}
