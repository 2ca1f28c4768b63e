//! What README and guides show compiles for others: in a workspace of its own, against the crates as they are packaged.
//!
//! Nothing is built that is not Koukan's, since that workspace asks for the features of this one and shares its target
//! directory.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod packages;
mod page;
mod workspace;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::{page::Page, workspace::Workspace};

/// Pages with code for those who use the crates. All guides are among them.
const PAGES: [&str; 5] = [
    "README.md",
    "koukan-bin/README.md",
    "koukan-core/README.md",
    "koukan-smtp/README.md",
    "docs/writing-a-backend.md",
];

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join(path)
}

/// Runs Cargo, without asking any registry.
fn cargo(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(directory)
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {problem}");
    String::from_utf8(output.stdout).unwrap()
}

/// All pages: those above, and the guides.
fn pages() -> Vec<Page> {
    let guides = fs::read_dir(file("guides")).unwrap();
    let mut guides: Vec<_> = guides.map(|entry| entry.unwrap().path()).collect();
    guides.sort();
    let pages = PAGES.iter().map(|page| file(page)).chain(guides);
    pages.map(|path| Page::read(&path)).collect()
}

#[test]
fn what_readme_and_guides_show_compiles_against_the_packages() {
    let pages = pages();
    let programs: Vec<_> = pages.iter().flat_map(Page::programs).collect();
    // Every page but the comparison, whose programs are files of their own.
    let silent = pages.iter().filter(|page| page.programs().is_empty());
    let silent: Vec<_> = silent.map(|page| page.name.as_str()).collect();
    assert_eq!(silent, ["guides_side_by_side"]);

    let packages = packages::pack();
    let workspace = Workspace::create(&packages);
    for program in &programs {
        workspace.add_example(&program.name, &program.text);
    }
    workspace.check();
}

#[test]
fn what_a_package_does_not_have_does_not_compile() {
    let text = "```rust\nuse koukan_core::nothing::Nothing;\nlet _: Nothing;\n```\n";
    let page = Page::new("page".into(), text);
    let [program] = &page.programs()[..] else {
        panic!("one program")
    };
    assert_eq!(
        program.text,
        "fn main() {\nuse koukan_core::nothing::Nothing;\nlet _: Nothing;\n}\n"
    );
}
