//! Everything known about the recipients with faults.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::crash::book::{Book, Entry};

use super::fault::Fault;

/// The most recipients whose stories are printed.
const TOLD: usize = 5;

/// Prints the stories of the first recipients with a fault.
pub(super) fn tell(
    faults: &[Fault],
    entries: &BTreeMap<String, Entry>,
    book: &Book,
    log: &str,
) -> String {
    let mut text = String::new();
    let addresses: BTreeSet<_> = faults.iter().map(|fault| &*fault.address).collect();
    for to in addresses.into_iter().take(TOLD) {
        let from = entries.get(to).map(|entry| &*entry.from);
        let names: Vec<_> = [to].into_iter().chain(from).collect();
        // This cannot fail.
        let _ = write!(text, "\n\nThe story of {to}");
        let mut events: Vec<_> = names.iter().flat_map(|name| book.story(name)).collect();
        events.sort();
        for (time, words) in events {
            let _ = write!(text, "\n  {time} {words}");
        }
        let _ = write!(text, "\nwhat the agent has logged of it");
        for line in lines(log, &names) {
            let _ = write!(text, "\n  {line}");
        }
    }
    text
}

/// The lines with one of these names, and the lines with the same `id` as one of those.
fn lines<'a>(log: &'a str, names: &[&str]) -> Vec<&'a str> {
    let is_named = |line: &&str| names.iter().any(|name| line.contains(name));
    let ids: BTreeSet<_> = log.lines().filter(is_named).filter_map(id).collect();
    let is_told = |line: &&str| is_named(line) || id(line).is_some_and(|id| ids.contains(id));
    log.lines().filter(is_told).collect()
}

fn id(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("id=")?;
    rest.split([' ', '}', ':', '"'])
        .find(|word| !word.is_empty())
}

#[test]
fn lines_of_the_same_transaction_belong_to_the_story() {
    let log = "run 0: INFO ended id=T1 to=a@x\nrun 0: WARN late{id=T1}: x\nrun 1: ended id=T2";
    let told = lines(log, &["a@x"]);
    assert_eq!(told.len(), 2, "{told:?}");
}
