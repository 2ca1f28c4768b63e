//! The cache of policies.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

use super::policy::MtaStsPolicy;

/// The approximate number of octets that policies may take. Beyond that, expired ones are dropped
/// first, and then the least recently used: a domain to which mail is sent keeps its policy,
/// however many other domains have one.
const WEIGHT_MAX: usize = 16 << 20;

/// The octets that an entry takes beside its policy.
const ENTRY_WEIGHT: usize = 400;

/// How long a policy that could not be fetched is not requested again.
///
/// *Source*: RFC 8461 section 3.3.
const LEAVE: Duration = Duration::from_secs(300);

/// A running fetch, for all who wait for it.
pub(super) type Fetch = Shared<BoxFuture<'static, Option<Arc<MtaStsPolicy>>>>;

/// A fetch that ends when nobody waits for it any more.
type Pending = WeakShared<BoxFuture<'static, Option<Arc<MtaStsPolicy>>>>;

/// Policies by domain.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: HashMap<Box<str>, Entry>,
    weight: usize,
}

/// What is known of one domain.
#[derive(Debug)]
struct Entry {
    /// When it was last asked for.
    used: Instant,
    kept: Option<Kept>,
    /// The id of the policy that could not be fetched, and until when it is not requested.
    failed: Option<(Box<str>, Instant)>,
    fetch: Option<(Box<str>, Pending)>,
}

#[derive(Debug)]
struct Kept {
    id: Box<str>,
    policy: Arc<MtaStsPolicy>,
    expires: Instant,
}

/// What to do for a domain.
#[derive(Debug)]
pub(super) enum Known {
    /// That policy is in force, or none.
    Policy(Option<Arc<MtaStsPolicy>>),
    /// Wait for this fetch. The policy is in force meanwhile, and if the fetch fails.
    Fetch(Fetch, Option<Arc<MtaStsPolicy>>),
}

impl Entry {
    fn new(now: Instant) -> Self {
        Self {
            used: now,
            kept: None,
            failed: None,
            fetch: None,
        }
    }

    fn weight(&self, domain: &str) -> usize {
        let policy = self.kept.as_ref().map_or(0, |kept| kept.policy.weight());
        ENTRY_WEIGHT + domain.len() + policy
    }

    /// When nothing of it is needed any more.
    fn ends(&self) -> Option<Instant> {
        let kept = self.kept.as_ref().map(|kept| kept.expires);
        kept.max(self.failed.as_ref().map(|(_, until)| *until))
    }
}

impl Cache {
    /// The state of a domain whose records announce the policy `id`, if any; `fetch` starts to fetch it.
    pub(super) fn look(
        &mut self,
        domain: &str,
        id: Option<&str>,
        now: Instant,
        fetch: impl FnOnce() -> Fetch,
    ) -> Known {
        let mut entry = self.entries.get_mut(domain);
        if let Some(entry) = &mut entry {
            entry.used = now;
        }
        let kept = entry.as_ref().and_then(|entry| entry.kept.as_ref());
        let kept = kept.filter(|kept| kept.expires > now);
        let policy = kept.map(|kept| Arc::clone(&kept.policy));
        let Some(id) = id else {
            return Known::Policy(policy);
        };
        if kept.is_some_and(|kept| *kept.id == *id) {
            return Known::Policy(policy);
        }
        if let Some(entry) = &entry {
            let is_left = |(failed, until): &(Box<str>, Instant)| **failed == *id && *until > now;
            if entry.failed.as_ref().is_some_and(is_left) {
                return Known::Policy(policy);
            }
            if let Some((of, fetch)) = &entry.fetch
                && **of == *id
                && let Some(fetch) = fetch.upgrade()
            {
                return Known::Fetch(fetch, policy);
            }
        }
        let begun = fetch();
        let fetching = begun.downgrade().map(|begun| (id.into(), begun));
        match entry {
            Some(entry) => entry.fetch = fetching,
            None => {
                let mut entry = Entry::new(now);
                entry.fetch = fetching;
                self.put(domain, entry, now);
            }
        }
        Known::Fetch(begun, policy)
    }

    /// Stores the result of a fetch.
    pub(super) fn note(
        &mut self,
        domain: &str,
        id: &str,
        fetched: Option<Arc<MtaStsPolicy>>,
        now: Instant,
    ) {
        let entry = self.take(domain);
        let mut entry = entry.unwrap_or_else(|| Entry::new(now));
        if entry.fetch.as_ref().is_some_and(|(of, _)| **of == *id) {
            entry.fetch = None;
        }
        match fetched {
            Some(policy) => {
                entry.failed = None;
                entry.kept = Some(Kept {
                    id: id.into(),
                    expires: now + policy.max_age,
                    policy,
                });
            }
            None => entry.failed = Some((id.into(), now + LEAVE)),
        }
        self.put(domain, entry, now);
    }

    fn take(&mut self, domain: &str) -> Option<Entry> {
        let entry = self.entries.remove(domain)?;
        self.weight -= entry.weight(domain);
        Some(entry)
    }

    fn put(&mut self, domain: &str, entry: Entry, now: Instant) {
        self.weight += entry.weight(domain);
        self.entries.insert(domain.into(), entry);
        if self.weight <= WEIGHT_MAX {
            return;
        }
        // An eighth at a time, so that it is seldom done. Those who wait for a fetch still get its result.
        let mut left = self.entries.len() / 8;
        self.entries.retain(|_, entry| {
            let stays = entry.ends() > Some(now);
            left = left.saturating_sub(usize::from(!stays));
            stays
        });
        if left > 0 && !self.entries.is_empty() {
            let mut uses: Vec<_> = self.entries.values().map(|entry| entry.used).collect();
            let index = left.min(uses.len() - 1);
            let (_, oldest, _) = uses.select_nth_unstable(index);
            let oldest = *oldest;
            // Of the entries with the same time, only as many are dropped as necessary.
            self.entries.retain(|_, entry| {
                let goes = left > 0 && entry.used <= oldest;
                left -= usize::from(goes);
                !goes
            });
        }
        let weights = self.entries.iter();
        self.weight = weights.map(|(domain, entry)| entry.weight(domain)).sum();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn policy() -> Arc<MtaStsPolicy> {
        let text = "version: STSv1\nmode: enforce\nmax_age: 100\nmx: *.example.com\n";
        Arc::new(MtaStsPolicy::parse(text).unwrap())
    }

    fn never() -> Fetch {
        async { None }.boxed().shared()
    }

    #[tokio::test(start_paused = true)]
    async fn a_policy_holds_until_its_end_whatever_is_told_meanwhile() {
        let mut cache = Cache::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let known = |cache: &mut Cache, id: Option<&str>, seconds| match cache.look(
            "d.example",
            id,
            at(seconds),
            never,
        ) {
            Known::Policy(policy) => (policy.is_some(), false),
            Known::Fetch(_, policy) => (policy.is_some(), true),
        };
        assert_eq!(known(&mut cache, None, 0), (false, false));
        assert_eq!(known(&mut cache, Some("1"), 0), (false, true));
        cache.note("d.example", "1", Some(policy()), at(0));
        assert_eq!(known(&mut cache, Some("1"), 99), (true, false));
        // Missing records, and failed look-ups, change nothing.
        assert_eq!(known(&mut cache, None, 99), (true, false));
        // Another policy is fetched; while that fails, the old one is in force.
        assert_eq!(known(&mut cache, Some("2"), 10), (true, true));
        cache.note("d.example", "2", None, at(10));
        assert_eq!(known(&mut cache, Some("2"), 99), (true, false));
        assert_eq!(known(&mut cache, Some("2"), 100), (false, false));
        assert_eq!(known(&mut cache, Some("2"), 310), (false, true));
        assert_eq!(known(&mut cache, Some("1"), 100), (false, true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_has_an_end() {
        let mut cache = Cache::default();
        let now = Instant::now();
        for number in 0..100_000 {
            cache.note(&format!("{number}.example"), "1", Some(policy()), now);
            assert!(cache.weight <= WEIGHT_MAX);
        }
        let entries = cache.entries.iter();
        let weight: usize = entries.map(|(domain, entry)| entry.weight(domain)).sum();
        assert_eq!(weight, cache.weight);
        assert!(weight > WEIGHT_MAX / 2, "{weight}");
    }

    /// Somebody with many domains cannot displace the policy of a domain to which mail is sent.
    #[tokio::test(start_paused = true)]
    async fn what_is_in_use_stays_however_many_others_come() {
        let mut cache = Cache::default();
        let mut now = Instant::now();
        let lasting = || {
            let text = "version: STSv1\nmode: enforce\nmax_age: 31557600\nmx: *.example.com\n";
            Arc::new(MtaStsPolicy::parse(text).unwrap())
        };
        cache.note("used.example", "1", Some(lasting()), now);
        for number in 0..100_000 {
            now += Duration::from_millis(1);
            cache.note(&format!("{number}.example"), "1", Some(lasting()), now);
            if number % 1000 == 0 {
                let known = cache.look("used.example", Some("1"), now, never);
                assert!(matches!(known, Known::Policy(Some(_))), "{number}");
            }
        }
        assert!(!cache.entries.contains_key("0.example"));
        assert!(cache.entries.contains_key("99999.example"));
    }
}
