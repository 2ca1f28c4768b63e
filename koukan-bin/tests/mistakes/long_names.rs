//! Names that are too long for the database.

use super::*;

#[test]
fn of_senders_and_tags() {
    const SENDERS: &str = "\nsender:\n";
    let longest = "n".repeat(255);
    let long = format!("{longest}n");
    let with = |name: &str, tag: &str| {
        format!("{SENDERS}  - {{ name: {name}, chain: ingress, tag: {{ {tag}: ingress }} }}\n")
    };
    let words: &[&str] = &["`nnnnnnnnnnnnnnnnnnnn…` has 256 octets", "at most 255"];
    told(&[
        (SENDERS, &with(&long, "t"), "name: nnn", words),
        (SENDERS, &with("s", &long), "name: s", words),
    ]);
    check(&changed(SENDERS, &with(&longest, &longest))).unwrap();
}
