//! What is published: each crate alone, with its licences and without its tests.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{path::Path, process::Command};

use serde_json::Value;

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {problem}");
    String::from_utf8(output.stdout).unwrap()
}

/// The crates of this workspace that may be published.
fn published() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let published = packages.filter(|package| package["publish"].is_null());
    published.cloned().collect()
}

#[test]
fn each_crate_says_what_it_is_and_has_its_licences_and_no_tests() {
    let published = published();
    assert_eq!(published.len(), 8);
    for package in &published {
        let name = package["name"].as_str().unwrap();
        for fact in [
            "description",
            "license",
            "repository",
            "readme",
            "rust_version",
        ] {
            assert!(package[fact].is_string(), "{name} has no {fact}");
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let library = std::fs::read_to_string(manifest.with_file_name("src/lib.rs")).unwrap();
        let rust = package["rust_version"].as_str().unwrap();
        let told = format!("//! Minimum supported Rust version: {rust}.");
        assert!(library.contains(&told), "{name}: {told}");
        let page = package["documentation"].as_str();
        assert_eq!(page, Some(&*format!("https://docs.rs/{name}")));
        let features = &package["metadata"]["docs"]["rs"]["features"];
        for feature in features.as_array().into_iter().flatten() {
            let feature = feature.as_str().unwrap();
            assert!(
                package["features"].get(feature).is_some(),
                "{name}: {feature}"
            );
        }
        let files = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let has = |file: &str| files.lines().any(|line| line == file);
        for file in [
            "Cargo.toml",
            "README.md",
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "src/lib.rs",
        ] {
            assert!(has(file), "{name} is packaged without {file}");
        }
        for file in files.lines() {
            let top = file.split('/').next().unwrap();
            assert!(!["tests", "benches"].contains(&top), "{name}: {file}");
        }
    }
}

#[test]
fn what_the_sources_include_is_packaged_with_them() {
    for package in published() {
        let name = package["name"].as_str().unwrap();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let root = manifest.parent().unwrap();
        let files = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        for file in files.lines().filter(|file| file.ends_with(".rs")) {
            let path = root.join(file);
            let source = std::fs::read_to_string(&path).unwrap();
            // Files that tests and doc tests include are not packaged.
            let source = source.split("#[cfg(test)]").next().unwrap();
            let source = source.split("#[cfg(doctest)]").next().unwrap();
            for included in source.split("include_str!(\"").skip(1) {
                let included = included.split('"').next().unwrap();
                let included = path.parent().unwrap().join(included);
                let Ok(included) = included.canonicalize() else {
                    panic!("{name}: {file} includes what is not there")
                };
                let root = root.canonicalize().unwrap();
                let inside = included.strip_prefix(&root);
                let inside = inside.map(|path| path.to_str().unwrap().to_owned());
                let is_there = inside.is_ok_and(|path| files.lines().any(|line| line == path));
                assert!(is_there, "{name}: {file} includes {}", included.display());
            }
        }
    }
}
