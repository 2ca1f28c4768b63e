//! Checks for router rules that cannot work.

use super::{InvalidFilter, RecipientDomain, Rule, WeightedHost, twice};
use crate::config::Step;

/// Checks that every rule can decide something.
pub(super) fn check(rules: &[Rule]) -> Result<(), InvalidFilter> {
    if rules.is_empty() {
        return wrong(
            "a router without rules refuses every recipient: add one",
            &[],
        );
    }
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule, index)?;
        let earlier = rules.iter().take(index);
        for (before, other) in earlier.enumerate() {
            let never = |what: &str| {
                let text = format!(
                    "rule {} never decides: {what} rule {} before it",
                    index + 1,
                    before + 1
                );
                wrong(&text, &[Step::Item(index)])
            };
            match (other, rule) {
                (other, _) if other.is_for_all() => {
                    return never("every recipient is taken by");
                }
                (
                    Rule::AddressList {
                        domains,
                        prefixes,
                        delimiter,
                        ..
                    },
                    Rule::AddressList {
                        domains: later,
                        prefixes: wanted,
                        delimiter: sign,
                        ..
                    },
                ) => {
                    let is_taken =
                        |domain: &RecipientDomain| domains.iter().any(|known| known.0 == domain.0);
                    // With a delimiter of its own, the later one distinguishes more.
                    let is_same = sign.is_none() || sign == delimiter || prefixes.is_none();
                    if is_same && later.iter().all(is_taken) && is_covered(wanted, prefixes) {
                        return never("all its recipients are taken by");
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_rule(rule: &Rule, index: usize) -> Result<(), InvalidFilter> {
    let at = |key: &str, inner: &str| {
        let mut at = vec![Step::Item(index), Step::Key(key.into())];
        if !inner.is_empty() {
            at.push(Step::Key(inner.into()));
        }
        at
    };
    match rule {
        Rule::AddressList {
            domains,
            prefixes,
            hosts,
            reject,
            delimiter,
            sender,
            tag,
        } => {
            let list = |inner: &str| at("address_list", inner);
            if domains.is_empty() {
                return wrong(
                    "without a domain it knows no recipient: add one",
                    &list("domains"),
                );
            }
            if let Some((item, text)) = twice(domains.iter().map(|domain| &*domain.0)) {
                let mut at = list("domains");
                at.push(Step::Item(item));
                return wrong(&format!("`{text}` is there twice"), &at);
            }
            check_prefixes(prefixes.as_deref(), *delimiter, list)?;
            if reject.is_some() && !hosts.is_empty() {
                let text = "`hosts` and `reject` exclude each other: remove one of them";
                return wrong(text, &list("reject"));
            }
            if sender.is_some() && (reject.is_some() || !hosts.is_empty()) {
                let text = "recipients go through the chain of the `sender`: leave `hosts` and `reject` out";
                return wrong(text, &list("sender"));
            }
            if tag.is_some() && sender.is_none() {
                return wrong("`tag` is one of a `sender`: name that, too", &list("tag"));
            }
            Ok(())
        }
        Rule::StaticHosts(hosts) if hosts.is_empty() => wrong(
            "there is no host: add one, as in `mx.example.com:25`",
            &at("static_hosts", ""),
        ),
        Rule::HostList(hosts) => check_hosts(hosts, &at("host_list", "")),
        Rule::Suffix(suffixed) => suffixed.check(|key| at("suffix", key)),
        Rule::Literal(literals) => literals.check(|key| at("literal", key)),
        _ => Ok(()),
    }
}

/// Checks hosts of which one is drawn by weight.
fn check_hosts(hosts: &[WeightedHost], at: &[Step]) -> Result<(), InvalidFilter> {
    if hosts.is_empty() {
        let text = "there is no host: add one, as in `{ host: \"mx.example.com:25\", weight: 1 }`";
        return wrong(text, at);
    }
    let names: Vec<_> = hosts.iter().map(|it| it.host.0.to_string()).collect();
    if let Some((index, text)) = twice(names.iter().map(String::as_str)) {
        let at = [at, &[Step::Item(index)]].concat();
        let text = format!("`{text}` is there twice: add its weights to one");
        return wrong(&text, &at);
    }
    match hosts.iter().all(|it| it.weight == 0) {
        true => wrong("each of them is a reserve: give one a weight", at),
        false => Ok(()),
    }
}

/// Checks that recipients can have these local parts; `list` gives the place of a key in the
/// address list.
fn check_prefixes(
    prefixes: Option<&[String]>,
    delimiter: Option<char>,
    list: impl Fn(&str) -> Vec<Step>,
) -> Result<(), InvalidFilter> {
    let Some(prefixes) = prefixes else {
        return match delimiter {
            Some(_) => wrong(
                "`delimiter` does nothing without `prefixes`: leave it out",
                &list("delimiter"),
            ),
            None => Ok(()),
        };
    };
    if prefixes.is_empty() {
        let text =
            "without a prefix it knows no recipient: add one, or leave `prefixes` out for all";
        return wrong(text, &list("prefixes"));
    }
    if let Some(sign) = delimiter.filter(|sign| *sign == '@' || sign.is_whitespace()) {
        let text = format!("`{sign}` stands in no local part: take another, as in `+`");
        return wrong(&text, &list("delimiter"));
    }
    let item = |item: usize| {
        let mut at = list("prefixes");
        at.push(Step::Item(item));
        at
    };
    if let Some((index, text)) = twice(prefixes.iter().map(String::as_str)) {
        return wrong(&format!("`{text}` is there twice"), &item(index));
    }
    for (index, prefix) in prefixes.iter().enumerate() {
        let at = item(index);
        if prefix.is_empty() {
            return wrong("an empty prefix matches no recipient: remove it", &at);
        }
        if prefix.contains('@') {
            let text = format!("`{prefix}`: write what stands before the `@` alone");
            return wrong(&text, &at);
        }
        if let Some(sign) = delimiter.filter(|sign| prefix.contains(*sign)) {
            let text = format!(
                "`{prefix}` matches no recipient: write what stands before the delimiter `{sign}`"
            );
            return wrong(&text, &at);
        }
    }
    Ok(())
}

/// Whether all wanted local parts are already taken by those before them.
fn is_covered(wanted: &Option<Vec<String>>, before: &Option<Vec<String>>) -> bool {
    let Some(before) = before else {
        return true;
    };
    let is_taken = |word: &String| before.iter().any(|known| known.eq_ignore_ascii_case(word));
    wanted
        .as_ref()
        .is_some_and(|wanted| wanted.iter().all(is_taken))
}

/// An error at these steps within `rules`.
pub(in crate::registry) fn wrong(message: &str, at: &[Step]) -> Result<(), InvalidFilter> {
    let mut steps = vec![Step::Key("rules".into())];
    steps.extend_from_slice(at);
    Err(InvalidFilter {
        message: message.to_owned(),
        at: steps,
    })
}
