//! What rustdoc says about the crates, as JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

/// The published crates, by their names in Rust.
pub(crate) const CRATES: [&str; 8] = [
    "koukan",
    "koukan_core",
    "koukan_mail_auth",
    "koukan_rest",
    "koukan_scan",
    "koukan_simulation",
    "koukan_smtp",
    "koukan_storage",
];

/// A file of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The file with the JSON of a crate. All files are made once, with the features of all tests and
/// examples. If the crates were documented before, they were checked with these features, so little
/// is built again.
pub(crate) fn path(name: &str) -> PathBuf {
    static MADE: LazyLock<PathBuf> = LazyLock::new(make);
    MADE.join(format!("{name}.json"))
}

fn make() -> PathBuf {
    // The target directory of this test, so that nothing is built again.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args([
            "doc",
            "--locked",
            "--workspace",
            "--no-deps",
            "--lib",
            "--examples",
            "--target-dir",
        ])
        .arg(target)
        .current_dir(file("."))
        .env(
            "RUSTDOC",
            file("public-api/rustdoc").canonicalize().unwrap(),
        )
        .env("PUBLISHED", CRATES.join(" "))
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json")
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    target.join("doc")
}

/// An item of the public API.
pub(crate) struct Item<'a> {
    /// The path by which it is reached: the first of several.
    pub(crate) path: String,
    pub(crate) json: &'a Value,
    /// The documentation of the module through which it is reached.
    pub(crate) module_docs: &'a str,
}

/// The public API of a crate.
pub(crate) struct Crate {
    json: Value,
}

impl Crate {
    pub(crate) fn read(name: &str) -> Self {
        let json = fs::read(path(name)).unwrap();
        let json = serde_json::from_slice(&json).unwrap();
        Self { json }
    }

    pub(crate) fn item(&self, id: &Value) -> Option<&Value> {
        self.json["index"].get(id.to_string())
    }

    /// A summary of each item that is mentioned, of this crate or another, by its id.
    pub(crate) fn summaries(&self) -> &Value {
        &self.json["paths"]
    }

    /// All items with a path, except modules, each once.
    pub(crate) fn items(&self) -> Vec<Item<'_>> {
        let root = self.item(&self.json["root"]).unwrap();
        let mut walk = Walk {
            of: self,
            found: BTreeMap::new(),
            entered: BTreeSet::new(),
        };
        walk.module(root, root["name"].as_str().unwrap());
        walk.found.into_values().collect()
    }
}

/// The kind of an item, and its data.
pub(crate) fn inner(item: &Value) -> (&str, &Value) {
    let inner = item["inner"].as_object().unwrap();
    let (kind, inner) = inner.iter().next().unwrap();
    (kind, inner)
}

struct Walk<'a> {
    of: &'a Crate,
    found: BTreeMap<u64, Item<'a>>,
    entered: BTreeSet<(u64, String)>,
}

impl<'a> Walk<'a> {
    fn module(&mut self, module: &'a Value, path: &str) {
        let id = module["id"].as_u64().unwrap();
        if !self.entered.insert((id, path.to_owned())) {
            return;
        }
        for id in inner(module).1["items"].as_array().unwrap() {
            let Some(item) = self
                .of
                .item(id)
                .filter(|item| item["visibility"] == "public")
            else {
                continue;
            };
            let (kind, of) = inner(item);
            match kind {
                "use" => {
                    // Items of other crates are not in the JSON.
                    let Some(used) = self.of.item(&of["id"]) else {
                        continue;
                    };
                    match of["is_glob"].as_bool().unwrap() {
                        true => self.module(used, path),
                        false => self.named(module, used, of["name"].as_str().unwrap(), path),
                    }
                }
                _ => self.named(module, item, item["name"].as_str().unwrap(), path),
            }
        }
    }

    fn named(&mut self, module: &'a Value, item: &'a Value, name: &str, path: &str) {
        let path = format!("{path}::{name}");
        if inner(item).0 == "module" {
            return self.module(item, &path);
        }
        let id = item["id"].as_u64().unwrap();
        self.found.entry(id).or_insert_with(|| Item {
            path,
            json: item,
            module_docs: module["docs"].as_str().unwrap_or_default(),
        });
    }
}
