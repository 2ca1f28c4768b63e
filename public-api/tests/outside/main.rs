//! The code in the README and guides compiles for others: in a separate workspace, against the
//! packaged crates.
//!
//! Only Koukan's crates are built, since that workspace uses the same features as this one and
//! shares its target directory.

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

/// Pages with code for users of the crates, in addition to all guides.
const PAGES: [&str; 7] = [
    "README.md",
    "koukan-bin/README.md",
    "koukan-core/README.md",
    "koukan-rest/README.md",
    "koukan-smtp/README.md",
    "koukan-storage/README.md",
    "docs/writing-a-backend.md",
];

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join(path)
}

/// Runs Cargo without access to a registry; returns its output or its errors.
fn cargo(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(directory)
        .output()
        .unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(format!("{arguments:?}: {}", text(output.stderr))),
    }
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
    // Every page has programs, except the comparison, whose programs are in separate files.
    let silent = pages.iter().filter(|page| page.programs().is_empty());
    let silent: Vec<_> = silent.map(|page| page.name.as_str()).collect();
    assert_eq!(silent, ["guides_side_by_side"]);

    let packages = packages::pack();
    let workspace = Workspace::create(&packages);
    for program in &programs {
        workspace.add_example(&program.name, &program.text);
    }
    if let Err(problem) = workspace.check() {
        panic!("{problem}");
    }

    // An error in a program is found.
    workspace.add_example("wrong", "fn main() { koukan_core::nothing(); }");
    let problem = workspace.check().unwrap_err();
    assert!(
        problem.contains("`nothing` in crate `koukan_core`"),
        "{problem}"
    );

    // A function and a layer in the place of a service: the compiler says what to do.
    for (mistake, cure) in [
        ("answer", "tower::service_fn"),
        (
            "koukan_core::middleware::from_fn(pass)",
            "layer.layer(service)",
        ),
    ] {
        workspace.add_example("wrong", &MISTAKE.replace("MISTAKE", mistake));
        let problem = workspace.check().unwrap_err();
        assert!(problem.contains("is not a mail service"), "{problem}");
        assert!(problem.contains(cure), "{problem}");
    }
}

/// A program with an endpoint that is not a mail service.
const MISTAKE: &str = "
use koukan_core::{middleware::Next, reply::Reply, transaction::Transaction};
use tower::BoxError;

async fn answer(_: Transaction) -> Result<Reply, BoxError> { Ok(Reply::policy_refused()) }
async fn pass(tx: Transaction, next: Next) -> Result<Reply, BoxError> { next.run(tx).await }
fn main() { koukan_smtp::Server::new(MISTAKE); }
";

#[test]
fn what_pages_ask_for_is_published() {
    let pages = pages();
    let asked: Vec<_> = pages.iter().flat_map(Page::asked_for).collect();
    assert!(asked.len() >= 8, "{asked:?}");
    for (name, said) in asked {
        assert!(packages::is_published(name, said), "{name} = {said}");
    }
    for (name, said) in [
        ("koukan-nothing", "\"0.1\""),
        ("koukan-benches", "\"0.1\""),
        ("koukan-core", "\"9.1\""),
        (
            "koukan-core",
            "{ version = \"0.1\", features = [\"none\"] }",
        ),
    ] {
        assert!(!packages::is_published(name, said), "{name} = {said}");
    }
}

#[test]
fn a_block_of_a_page_is_made_a_program() {
    let text = "```rust,no_run\n# use a::A;\nlet _: A;\n```\n```sh\nls\n```\n```rust\n#\nOk::<(), B>(())\n```\n";
    let programs = Page::new("page".into(), text).programs();
    let programs: Vec<_> = programs
        .iter()
        .map(|made| (&*made.name, &*made.text))
        .collect();
    assert_eq!(
        programs,
        [
            ("page_1", "fn main() {\nuse a::A;\nlet _: A;\n}\n"),
            (
                "page_2",
                "fn main() -> Result<(), B> {\n\nOk::<(), B>(())\n}\n"
            ),
        ]
    );
}
