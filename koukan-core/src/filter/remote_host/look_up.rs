//! The look-ups.

use std::{net::IpAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, timeout_at};

use crate::network::{LookupError, Resolver};

use super::{LookupStatus, RemoteHost};

/// How many names of an address are looked up; as many as for SPF (RFC 7208 section 4.6.4).
pub const NAMES_MAX: usize = 10;

/// Octets of a name in the DNS, at most.
const NAME_MAX: usize = 253;

/// What a name's addresses say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forward {
    /// It resolves to the client's address.
    Confirmed,
    /// It resolves to other addresses, or to none.
    Refuted,
    Unknown,
}

/// The result for a client that gave this name, after `time` at the latest.
pub(super) async fn look_up(
    client: IpAddr,
    named: Option<&str>,
    resolver: &dyn Resolver,
    time: Duration,
) -> RemoteHost {
    let client = client.to_canonical();
    let deadline = Instant::now() + time;
    let names = match timeout_at(deadline, resolver.ptr(client)).await {
        Ok(Ok(answer)) => usable(&answer.records),
        Ok(Err(LookupError::NoSuchName)) => Vec::new(),
        Ok(Err(_)) | Err(_) => return RemoteHost::only(LookupStatus::Temp),
    };
    if names.is_empty() {
        return RemoteHost::nameless();
    }
    let named = named.map(|name| name.strip_suffix('.').unwrap_or(name));
    let own = named.and_then(|named| {
        let mut names = names.iter();
        names.position(|name| name.eq_ignore_ascii_case(named))
    });
    let asked = names.iter().enumerate().map(|(index, name)| async move {
        let found = match resolver.addresses(name).await {
            Ok(answer) => {
                let mut addresses = answer.records.iter();
                match addresses.any(|address| address.to_canonical() == client) {
                    true => Forward::Confirmed,
                    false => Forward::Refuted,
                }
            }
            Err(LookupError::NoSuchName) => Forward::Refuted,
            Err(_) => Forward::Unknown,
        };
        (index, found)
    });
    let mut asked: FuturesUnordered<_> = asked.collect();
    let mut forward = vec![Forward::Unknown; names.len()];
    while !is_enough(&forward, own)
        && let Ok(Some((index, found))) = timeout_at(deadline, asked.next()).await
    {
        forward[index] = found;
    }
    conclude(&names, &forward, own)
}

/// Whether the answers that are still missing do not matter.
fn is_enough(forward: &[Forward], own: Option<usize>) -> bool {
    let is_own_known = own.is_none_or(|own| forward[own] != Forward::Unknown);
    forward.contains(&Forward::Confirmed) && is_own_known
}

/// `own` is the position of the client's own name, if it is among them.
fn conclude(names: &[String], forward: &[Forward], own: Option<usize>) -> RemoteHost {
    let confirmed = |index: &usize| forward[*index] == Forward::Confirmed;
    let first = own
        .filter(confirmed)
        .or_else(|| (0..names.len()).find(confirmed));
    let fcrdns = match first {
        Some(_) => Some(true),
        None if forward.contains(&Forward::Unknown) => None,
        None => Some(false),
    };
    let ehlo_alignment = match own.map(|own| forward[own]) {
        Some(Forward::Confirmed) => Some(true),
        Some(Forward::Unknown) => None,
        Some(Forward::Refuted) | None => Some(false),
    };
    let is_known = fcrdns.is_some() && ehlo_alignment.is_some();
    RemoteHost {
        status: if is_known {
            LookupStatus::Ok
        } else {
            LookupStatus::Temp
        },
        remote_hostname: names.get(first.or(own).unwrap_or(0)).cloned(),
        fcrdns,
        ehlo_alignment,
    }
}

/// The names that can be queried, each once, in lower case.
fn usable(names: &[Box<str>]) -> Vec<String> {
    let mut usable: Vec<String> = Vec::new();
    for name in names {
        let name = name.strip_suffix('.').unwrap_or(name);
        if is_host(name) && !usable.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            usable.push(name.to_ascii_lowercase());
        }
        if usable.len() == NAMES_MAX {
            break;
        }
    }
    usable
}

/// The owner of an address chooses its names, so an invalid name is not passed on.
fn is_host(name: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_plain);
    name.len() <= NAME_MAX && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_hosts_are_looked_at_and_so_many() {
        let long = format!("{}.example", "a".repeat(64));
        let names = [
            "MX.Example.com.",
            "mx.example.com",
            "a b.example",
            "",
            &long,
        ];
        assert_eq!(usable(&names.map(Box::from)), ["mx.example.com"]);
        let many: Vec<Box<str>> = (0..100).map(|it| format!("h{it}.example").into()).collect();
        assert_eq!(usable(&many).len(), NAMES_MAX);
    }

    #[test]
    fn what_is_concluded() {
        use Forward::{Confirmed, Refuted, Unknown};
        let names = ["a".to_owned(), "b".to_owned()];
        for (forward, own, status, name, fcrdns, alignment) in [
            (
                [Confirmed, Refuted],
                Some(0),
                LookupStatus::Ok,
                "a",
                Some(true),
                Some(true),
            ),
            (
                [Confirmed, Confirmed],
                Some(1),
                LookupStatus::Ok,
                "b",
                Some(true),
                Some(true),
            ),
            (
                [Refuted, Confirmed],
                Some(0),
                LookupStatus::Ok,
                "b",
                Some(true),
                Some(false),
            ),
            (
                [Confirmed, Unknown],
                None,
                LookupStatus::Ok,
                "a",
                Some(true),
                Some(false),
            ),
            (
                [Confirmed, Unknown],
                Some(1),
                LookupStatus::Temp,
                "a",
                Some(true),
                None,
            ),
            (
                [Refuted, Refuted],
                None,
                LookupStatus::Ok,
                "a",
                Some(false),
                Some(false),
            ),
            (
                [Refuted, Unknown],
                None,
                LookupStatus::Temp,
                "a",
                None,
                Some(false),
            ),
            (
                [Unknown, Refuted],
                Some(1),
                LookupStatus::Temp,
                "b",
                None,
                Some(false),
            ),
        ] {
            let expected = RemoteHost {
                status,
                remote_hostname: Some(name.into()),
                fcrdns,
                ehlo_alignment: alignment,
            };
            assert_eq!(
                conclude(&names, &forward, own),
                expected,
                "{forward:?} {own:?}"
            );
        }
    }
}
