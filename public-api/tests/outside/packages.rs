//! The crates, as they would be published.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{cargo, file};

/// A crate that was packaged.
pub(crate) struct Package {
    /// Its name as a dependency.
    pub(crate) name: String,
    /// The directory in which it was unpacked.
    pub(crate) directory: String,
    file: PathBuf,
}

impl Package {
    /// Unpacks it below that directory. In packages all files have the same old time, so Cargo
    /// could mistake the build of an earlier package for this one's. So the files get the time at
    /// which they are unpacked.
    pub(crate) fn unpack(&self, below: &Path) {
        let tar = Command::new("tar")
            .arg("-xzmf")
            .arg(&self.file)
            .arg("-C")
            .arg(below)
            .status();
        assert!(tar.unwrap().success(), "{}", self.name);
    }
}

/// Whether a dependency in a manifest fits a crate that would be published: it asks for this version, and only for features that
/// the crate has.
pub(crate) fn is_published(name: &str, asked: &str) -> bool {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let Some(package) = packages.iter().find(|package| package["name"] == name) else {
        return false;
    };
    let mut quoted = asked.split('"').skip(1).step_by(2);
    let version = quoted.next().unwrap_or_default();
    let is_version = package["version"]
        .as_str()
        .unwrap()
        .starts_with(&format!("{version}."));
    let is_to_be = package["publish"].is_null();
    is_to_be && is_version && quoted.all(|feature| package["features"].get(feature).is_some())
}

/// Packages all crates that are published.
pub(crate) fn pack() -> Vec<Package> {
    let published = published();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    let target_text = target.to_str().unwrap();
    let mut arguments = vec![
        "package",
        "--locked",
        "--no-verify",
        "--allow-dirty",
        "--quiet",
    ];
    arguments.extend(["--target-dir", target_text]);
    for (name, _) in &published {
        arguments.extend(["--package", name]);
    }
    cargo(&file(""), &arguments).unwrap();

    let packed = published.into_iter().map(|(name, version)| {
        let directory = format!("{name}-{version}");
        let file = target.join(format!("package/{directory}.crate"));
        Package {
            name,
            directory,
            file,
        }
    });
    packed.collect()
}

/// The names and versions of the published crates of this workspace.
fn published() -> Vec<(String, String)> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let published = packages.filter(|package| package["publish"].is_null());
    let text = |fact: &Value| fact.as_str().unwrap().to_owned();
    published
        .map(|package| (text(&package["name"]), text(&package["version"])))
        .collect()
}

/// What Cargo tells of the crates of this workspace.
fn metadata() -> Value {
    let metadata = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    serde_json::from_str(&cargo(&file(""), &metadata).unwrap()).unwrap()
}
