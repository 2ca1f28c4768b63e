//! Programs in a page.

use std::{fs, path::Path};

/// A page in Markdown.
pub(crate) struct Page {
    /// Its path, in a form that is valid as the name of a program.
    pub(crate) name: String,
    text: String,
}

/// A program in a page.
pub(crate) struct Program {
    /// The name of its page, and its number in the page.
    pub(crate) name: String,
    /// The whole program, as it compiles.
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let name = path.strip_prefix(super::file("")).unwrap();
        let name = name.with_extension("").to_str().unwrap().to_lowercase();
        let text = fs::read_to_string(path).unwrap();
        Self::new(name.replace(['/', '-'], "_"), &text)
    }

    pub(crate) fn new(name: String, text: &str) -> Self {
        let text = text.to_owned();
        Self { name, text }
    }

    /// The Rust code blocks, each made into a program as rustdoc does.
    pub(crate) fn programs(&self) -> Vec<Program> {
        let mut programs = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(kind) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            if kind.split(',').next() == Some("rust") {
                programs.push(Program {
                    name: format!("{}_{}", self.name, programs.len() + 1),
                    text: program(&block),
                });
            }
        }
        programs
    }
}

/// A block as a program: hidden lines are included, and a block without a `main` is put into one.
fn program(block: &[&str]) -> String {
    let shown = block.iter().map(|line| match *line {
        "#" => "",
        line => line.strip_prefix("# ").unwrap_or(line),
    });
    let text: String = shown.map(|line| format!("{line}\n")).collect();
    if text.contains("fn main()") {
        return text;
    }
    // `Ok::<(), Error>(())` at the end gives the type of errors.
    let error = text.rsplit_once("Ok::<(), ");
    let error = error.and_then(|(_, end)| end.trim_end().strip_suffix(">(())"));
    match error {
        Some(error) => format!("fn main() -> Result<(), {error}> {{\n{text}}}\n"),
        None => format!("fn main() {{\n{text}}}\n"),
    }
}
