//! The source files.

use std::{fs, path::Path};

/// A source file.
pub(crate) struct Source {
    /// Relative to the directory where the search began.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            path: path.into(),
            text,
        }
    }

    /// The path below the directory that holds the sources of the crate.
    fn within(&self) -> &str {
        self.path
            .strip_prefix("koukan-core/src/")
            .unwrap_or(&self.path)
    }

    /// The top-level module that the file belongs to; `None` for the root of the crate.
    pub(crate) fn module(&self) -> Option<&str> {
        let first = self.within().split('/').next().unwrap_or_default();
        let module = first.strip_suffix(".rs").unwrap_or(first);
        (module != "lib").then_some(module)
    }

    /// How many modules are above the file's own, without the root of the crate.
    pub(crate) fn depth(&self) -> usize {
        let within = self.within();
        let parts = within.split('/').count();
        if within.ends_with("/mod.rs") {
            parts - 1
        } else {
            parts
        }
    }

    /// Whether the file is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        let within = self.within();
        within.ends_with("/tests.rs") || within.contains("/tests/")
    }
}

/// The sources of this crate.
pub(crate) fn core() -> Vec<Source> {
    let sources = workspace().into_iter();
    sources
        .filter(|source| source.path.starts_with("koukan-core/src/"))
        .collect()
}

/// All sources of the workspace, of its tests, benches and examples.
pub(crate) fn workspace() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = Vec::new();
    collect(root, "", &mut sources);
    assert!(sources.len() > 100, "the sources are not where they were");
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(directory: &Path, path: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let inner = format!("{path}{name}");
        if entry.file_type().unwrap().is_dir() {
            let is_built = entry.path().join("CACHEDIR.TAG").exists();
            if !is_built && name != "target" && !name.starts_with('.') {
                collect(&entry.path(), &format!("{inner}/"), sources);
            }
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            sources.push(Source::new(&inner, text));
        }
    }
}
