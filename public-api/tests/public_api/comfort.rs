//! Checks what users of any type expect: that it can be named and printed, and that its failures are documented.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rustdoc::{CRATES, Crate, Item, inner};

/// The items of the impls of a type that are not made by the compiler.
fn members<'a>(of: &'a Crate, item: &Value) -> Vec<(&'a Value, &'a Value)> {
    let impls = inner(item).1["impls"].as_array().into_iter().flatten();
    let impls = impls.filter_map(|id| of.item(id).map(|item| inner(item).1));
    let impls = impls.filter(|it| it["is_synthetic"] == false && it["blanket_impl"].is_null());
    let members = impls.flat_map(|it| {
        let items = it["items"].as_array().into_iter().flatten();
        items.filter_map(move |id| Some((it, of.item(id)?)))
    });
    members.collect()
}

fn is_open(of: &Value, member: &Value) -> bool {
    !of["trait"].is_null() || member["visibility"] == "public"
}

/// The items of a trait.
fn demanded<'a>(of: &'a Crate, item: &Value) -> Vec<&'a Value> {
    let (kind, data) = inner(item);
    let items = data["items"].as_array().filter(|_| kind == "trait");
    items
        .into_iter()
        .flatten()
        .filter_map(|id| of.item(id))
        .collect()
}

/// Calls `see` for every path in a piece of rustdoc's JSON.
fn paths(json: &Value, see: &mut impl FnMut(&Value)) {
    match json {
        Value::Object(keys) => {
            for (key, value) in keys {
                if key == "resolved_path" {
                    see(value);
                }
                paths(value, see);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, see)),
        _ => {}
    }
}

/// The fields of a struct or of the variants of an enum.
fn fields<'a>(of: &'a Crate, item: &Value) -> Vec<&'a Value> {
    let (kind, data) = inner(item);
    let parts: Vec<&Value> = match kind {
        "struct" => vec![&data["kind"]],
        "enum" => {
            let variants = data["variants"].as_array().into_iter().flatten();
            let variants = variants.filter_map(|id| of.item(id));
            variants.map(|variant| &inner(variant).1["kind"]).collect()
        }
        _ => Vec::new(),
    };
    let lists = parts.into_iter().flat_map(|part| {
        let named = ["plain", "struct"].map(|key| part[key]["fields"].as_array());
        named
            .into_iter()
            .chain([part["tuple"].as_array()])
            .flatten()
    });
    let fields = lists.flatten().filter_map(|id| of.item(id));
    // Those of a variant have the visibility of the enum.
    let is_open =
        |field: &&Value| field["visibility"] != "crate" && !field["visibility"].is_object();
    fields.filter(is_open).collect()
}

#[test]
fn every_type_in_the_api_can_be_named() {
    let mut hidden = BTreeSet::new();
    for name in CRATES {
        let of = Crate::read(name);
        let items = of.items();
        let named: BTreeSet<_> = items
            .iter()
            .filter_map(|item| item.json["id"].as_u64())
            .collect();
        for Item { path, json, .. } in &items {
            let members = members(&of, json).into_iter();
            let open = members.filter(|(of, member)| is_open(of, member));
            let shown = open.map(|(_, member)| member).chain(fields(&of, json));
            let own = (inner(json).0 == "function").then_some(*json);
            for part in shown.chain(own).chain(demanded(&of, json)) {
                paths(inner(part).1, &mut |used| {
                    let summary = &of.summaries()[used["id"].to_string()];
                    let is_own = summary["crate_id"] == 0;
                    let id = used["id"].as_u64().unwrap_or_default();
                    if is_own && !named.contains(&id) {
                        let parts = summary["path"].as_array().into_iter().flatten();
                        let parts: Vec<_> = parts.filter_map(Value::as_str).collect();
                        hidden.insert((parts.join("::"), path.clone()));
                    }
                });
            }
        }
    }
    assert!(
        hidden.is_empty(),
        "re-export these, for what uses them: {hidden:#?}"
    );
}

#[test]
fn every_type_can_be_printed() {
    let mut silent = Vec::new();
    for name in CRATES {
        let of = Crate::read(name);
        for item in of.items() {
            if !matches!(inner(item.json).0, "struct" | "enum" | "union") {
                continue;
            }
            let impls = inner(item.json).1["impls"].as_array().into_iter().flatten();
            let mut impls = impls.filter_map(|id| of.item(id).map(|item| inner(item).1));
            let is_debug = |it: &Value| {
                let path = it["trait"]["path"].as_str().unwrap_or_default();
                path.rsplit("::").next() == Some("Debug")
            };
            if !impls.any(is_debug) {
                silent.push(item.path);
            }
        }
    }
    assert!(silent.is_empty(), "without `Debug`: {silent:#?}");
}

#[test]
fn every_function_that_may_fail_says_when() {
    let mut silent = Vec::new();
    let is_silent = |item: &Value| {
        let (kind, data) = inner(item);
        let returned = data["sig"]["output"]["resolved_path"]["path"].as_str();
        let may_fail = returned.is_some_and(|path| path.rsplit("::").next() == Some("Result"));
        let docs = item["docs"].as_str().unwrap_or_default();
        kind == "function" && may_fail && !docs.contains("# Errors")
    };
    for name in CRATES {
        let of = Crate::read(name);
        for Item { path, json, .. } in of.items() {
            if is_silent(json) {
                silent.push(path.clone());
            }
            // What traits of others demand is documented there.
            let members = members(&of, json).into_iter();
            let own = members.filter(|(of, member)| of["trait"].is_null() && is_open(of, member));
            let failing = own
                .map(|(_, member)| member)
                .filter(|member| is_silent(member));
            // Methods that macros make have no docs of their own.
            let failing = failing.filter(|member| !member["docs"].is_null());
            silent.extend(failing.map(|member| format!("{path}::{}", member["name"])));
            let demanded = demanded(&of, json).into_iter();
            let failing = demanded.filter(|member| is_silent(member));
            silent.extend(failing.map(|member| format!("{path}::{}", member["name"])));
        }
    }
    assert!(silent.is_empty(), "without `# Errors`: {silent:#?}");
}
