//! Remembers which server has which transaction, as learnt from redirects.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{
    Uri,
    uri::{Authority, Scheme},
};

/// The most transactions that are remembered. For a forgotten one, a redirect tells again.
const MAX: usize = 1024;

/// The server that has each transaction, as learnt from redirects.
#[derive(Default)]
pub(super) struct Remembered(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// By the path of the transaction.
    places: HashMap<Box<str>, (Scheme, Authority)>,
    /// The oldest entry comes first.
    order: VecDeque<Box<str>>,
}

impl Remembered {
    /// The URI to ask in place of that URI, if a redirect has told of one.
    pub(super) fn place(&self, uri: &Uri) -> Option<Uri> {
        let known = self.lock();
        // The usual case: nothing is remembered.
        if known.places.is_empty() {
            return None;
        }
        let (scheme, authority) = known.places.get(subject(uri)?)?.clone();
        drop(known);
        let mut parts = uri.clone().into_parts();
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
        Uri::from_parts(parts).ok()
    }

    /// Notes that a request for one URI was answered at another.
    pub(super) fn note(&self, uri: &Uri, there: &Uri) {
        let (Some(subject), Some(scheme), Some(authority)) =
            (subject(uri), there.scheme(), there.authority())
        else {
            return;
        };
        // Only remembered if nothing but the server differs.
        if uri.path_and_query() != there.path_and_query() {
            return;
        }
        let mut known = self.lock();
        let place = (scheme.clone(), authority.clone());
        if known.places.insert(subject.into(), place).is_none() {
            known.order.push_back(subject.into());
        }
        while known.order.len() > MAX {
            if let Some(oldest) = known.order.pop_front() {
                known.places.remove(&oldest);
            }
        }
    }

    /// Forgets where the transaction is.
    pub(super) fn forget(&self, uri: &Uri) {
        let Some(subject) = subject(uri) else { return };
        let mut known = self.lock();
        if known.places.remove(subject).is_some() {
            known.order.retain(|other| &**other != subject);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path of the transaction to which a URI belongs.
fn subject(uri: &Uri) -> Option<&str> {
    const BEFORE: &str = "/transactions/";
    let path = uri.path();
    let id = path.find(BEFORE)? + BEFORE.len();
    let end = path[id..].find('/').map_or(path.len(), |end| id + end);
    Some(&path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn all_of_a_transaction_is_asked_for_where_it_is() {
        let known = Remembered::default();
        known.note(
            &uri("http://a/x/transactions/T"),
            &uri("https://b:8/x/transactions/T"),
        );
        let place = |text: &str| known.place(&uri(text)).map(|uri| uri.to_string());
        for (asked, there) in [
            (
                "http://a/x/transactions/T",
                Some("https://b:8/x/transactions/T"),
            ),
            (
                "http://a/x/transactions/T/body?y",
                Some("https://b:8/x/transactions/T/body?y"),
            ),
            ("http://a/x/transactions/T2", None),
            ("http://a/transactions/T", None),
            ("http://a/x/senders/T/transactions", None),
        ] {
            assert_eq!(place(asked).as_deref(), there, "{asked}");
        }
        known.forget(&uri("http://a/x/transactions/T/cancel"));
        assert_eq!(place("http://a/x/transactions/T"), None);
        // If the path differs as well, URIs below it cannot be derived.
        known.note(
            &uri("http://a/transactions/T"),
            &uri("http://b/y/transactions/T"),
        );
        assert_eq!(place("http://a/transactions/T"), None);
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let known = Remembered::default();
        let of = |id: usize| uri(&format!("http://a/transactions/{id}"));
        for id in 0..=MAX {
            known.note(&of(id), &uri(&format!("http://b/transactions/{id}")));
        }
        assert!(known.place(&of(0)).is_none() && known.place(&of(MAX)).is_some());
        assert_eq!(known.lock().places.len(), MAX);
    }
}
