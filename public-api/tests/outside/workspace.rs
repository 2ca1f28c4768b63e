//! A workspace that only has the packaged crates.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{cargo, file, packages::Package};

/// The workspace: the packages, and a crate with programs that use them.
pub(crate) struct Workspace {
    directory: PathBuf,
}

impl Workspace {
    /// Makes the workspace with the programs in `examples`.
    pub(crate) fn create(packages: &[Package]) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("examples/src")).unwrap();
        let below = directory.join("packages");
        fs::create_dir_all(&below).unwrap();
        packages.iter().for_each(|package| package.unpack(&below));
        fs::write(directory.join("Cargo.toml"), manifest(packages)).unwrap();
        // The same versions of all other crates.
        fs::copy(file("Cargo.lock"), directory.join("Cargo.lock")).unwrap();
        let examples = directory.join("examples");
        fs::copy(file("examples/Cargo.toml"), examples.join("Cargo.toml")).unwrap();
        fs::write(examples.join("src/lib.rs"), "").unwrap();
        for programs in ["examples", "comparison/koukan"] {
            copy(&file("examples").join(programs), &examples.join(programs));
        }
        Self { directory }
    }

    /// Adds a program.
    pub(crate) fn add_example(&self, name: &str, text: &str) {
        let programs = self.directory.join("examples/examples");
        fs::write(programs.join(format!("{name}.rs")), text).unwrap();
    }

    /// Compiles everything; returns the compiler's errors.
    pub(crate) fn check(&self) -> Result<String, String> {
        // The target directory of this test, which already has other crates' builds.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let target = target.to_str().unwrap();
        let all = ["check", "--workspace", "--lib", "--examples", "--quiet"];
        cargo(
            &self.directory,
            &[&all[..], &["--target-dir", target]].concat(),
        )
    }
}

/// This workspace's manifest, with its members replaced by packages.
fn manifest(packages: &[Package]) -> String {
    let own = fs::read_to_string(file("Cargo.toml")).unwrap();
    let mut manifest = String::new();
    for line in own.lines() {
        let line = match line.split_once(" = ") {
            Some(("members", _)) => "members = [\"examples\", \"packages/*\"]".to_owned(),
            Some(("exclude" | "default-members", _)) => continue,
            Some((name, facts)) if name.starts_with("koukan") => {
                let (_, facts) = facts.split_once("\", ").unwrap();
                format!("{name} = {{ {facts}")
            }
            _ => line.to_owned(),
        };
        manifest.push_str(&line);
        manifest.push('\n');
    }
    manifest.push_str("\n[patch.crates-io]\n");
    for Package {
        name, directory, ..
    } in packages
    {
        manifest.push_str(&format!("{name} = {{ path = \"packages/{directory}\" }}\n"));
    }
    manifest
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
