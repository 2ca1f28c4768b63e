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
        let blocks = self.blocks("rust");
        let programs = blocks.iter().zip(1..).map(|(block, number)| Program {
            name: format!("{}_{number}", self.name),
            text: program(block),
        });
        programs.collect()
    }

    /// The lines of manifests that depend on a crate of Koukan: its name, and the rest of the line.
    pub(crate) fn asked_for(&self) -> Vec<(&str, &str)> {
        let lines = self.blocks("toml").into_iter().flatten();
        let asked = lines.filter(|line| line.starts_with("koukan"));
        asked.filter_map(|line| line.split_once(" = ")).collect()
    }

    /// The code blocks in a language, each as its lines.
    fn blocks(&self, kind: &str) -> Vec<Vec<&str>> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(begins) = line.strip_prefix("```") else {
                continue;
            };
            let block = lines.by_ref().take_while(|line| *line != "```").collect();
            if begins.split(',').next() == Some(kind) {
                blocks.push(block);
            }
        }
        blocks
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
