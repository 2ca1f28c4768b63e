//! Checks that everything that can be part of a chain of services has an example.

use serde_json::Value;

use crate::rustdoc::{Crate, inner};

/// The modules whose types are stages: each of them has an example.
const STAGES: &str = "koukan_core::stage::";

/// Whether there is an example that is compiled.
fn has_example(docs: &str) -> bool {
    let fences = docs
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("```"));
    // Every second fence ends an example.
    let mut begun = fences.step_by(2);
    begun.any(|words| {
        words
            .split(',')
            .all(|word| matches!(word.trim(), "" | "no_run" | "rust" | "should_panic"))
    })
}

fn docs(item: &Value) -> &str {
    item["docs"].as_str().unwrap_or_default()
}

/// Whether an item, or one of its methods, has an example.
fn shows(of: &Crate, item: &Value) -> bool {
    let impls = inner(item).1["impls"].as_array();
    let impls = impls.into_iter().flatten().filter_map(|id| of.item(id));
    let own = impls
        .map(|item| inner(item).1)
        .filter(|inner| inner["trait"].is_null());
    let methods = own.flat_map(|inner| inner["items"].as_array().unwrap());
    let mut methods = methods.filter_map(|id| of.item(id));
    has_example(docs(item)) || methods.any(|method| has_example(docs(method)))
}

#[test]
fn every_layer_and_every_stage_has_an_example() {
    let mut without = Vec::new();
    for name in [
        "koukan_core",
        "koukan_mail_auth",
        "koukan_rest",
        "koukan_scan",
        "koukan_smtp",
    ] {
        let of = Crate::read(name);
        let items = of.items();
        let layers = items.iter().filter(|item| {
            let is_layer = item.path.ends_with("Layer");
            is_layer && !has_example(item.module_docs) && !shows(&of, item.json)
        });
        without.extend(layers.map(|layer| layer.path.clone()));
        let module = |path: &str| path.rsplit_once("::").unwrap().0.to_owned();
        let mut stages: Vec<_> = items.iter().map(|item| module(&item.path)).collect();
        stages.retain(|path| path.starts_with(STAGES));
        stages.dedup();
        stages.retain(|stage| {
            let mut parts = items.iter().filter(|item| module(&item.path) == *stage);
            !parts.any(|item| has_example(item.module_docs) || shows(&of, item.json))
        });
        without.extend(stages);
    }
    without.sort();
    without.dedup();
    assert!(
        without.is_empty(),
        "an example in these, or in their modules: {without:#?}"
    );
}

#[test]
fn an_example_is_what_is_compiled() {
    assert!(has_example("A text.\n\n```\nuse a;\n```\n"));
    assert!(has_example("```text\nx\n```\n\n```no_run\nx();\n```"));
    assert!(!has_example("```text\nx\n```\n"));
    assert!(!has_example("No fence."));
}
