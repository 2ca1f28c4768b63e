//! What other processes have suspended and suppressed.

use crate::storage::{
    Backend,
    record::{Attempt, BanChange, NewTransaction, SuppressionChange, Suspension, SuspensionChange},
};

use super::{
    ReplicaFixture,
    sample::{attempt, plain},
    suppressions::suppression,
    suspensions::suspension,
};

/// A process that asks from time to time what has changed.
struct Asking<'a> {
    backend: &'a dyn Backend,
    since: u64,
}

impl<'a> Asking<'a> {
    async fn new(backend: &'a dyn Backend) -> Self {
        let changed = backend.bans_changed(None).await.unwrap();
        assert_eq!(changed.changes, None);
        let since = changed.number;
        Self { backend, since }
    }

    /// What has changed since it was asked the last time.
    async fn changes(&mut self) -> Vec<BanChange> {
        let changed = self.backend.bans_changed(Some(self.since)).await.unwrap();
        let changes = changed.changes.expect("few have changed");
        assert!(changed.number >= self.since);
        assert_eq!(changed.number == self.since, changes.is_empty());
        self.since = changed.number;
        changes
    }
}

fn suspended(suspension: &Suspension) -> BanChange {
    BanChange::Suspension(SuspensionChange::Suspend(suspension.clone()))
}

async fn change(backend: &dyn Backend, change: &BanChange) {
    match change.clone() {
        BanChange::Suspension(change) => backend.change_suspension(change).await,
        BanChange::Suppression(change) => backend.change_suppression(change).await,
    }
    .unwrap();
}

/// What one process suspends and suppresses, and what it ends, another one is told of, as it is by then; by whatever way
/// it was written.
pub async fn tells_what_others_suspend_and_suppress(fixture: &dyn ReplicaFixture) {
    let (one, other) = (fixture.join().await, fixture.join().await);
    let mut asking = Asking::new(&*other).await;
    assert_eq!(asking.changes().await, []);
    let near = suspension("near.example", 1, "olga");
    let [kept, found] = ["\"x y\"@z", "found@z"].map(|address| suppression("a", address, 50));
    let suppressed = BanChange::Suppression(SuppressionChange::Keep(kept.clone()));
    let ended = BanChange::Suppression(SuppressionChange::Remove {
        sender: kept.sender.clone(),
        address: kept.address.clone(),
    });
    let resumed = BanChange::Suspension(SuspensionChange::Resume("near.example".into()));
    for single in [suspended(&near), suppressed.clone(), ended, resumed] {
        change(&*one, &single).await;
        assert_eq!(asking.changes().await, [single]);
        assert_eq!(asking.changes().await, []);
    }

    let with_finding = NewTransaction {
        attempts: vec![Attempt {
            suppresses: vec![found.clone()],
            ..attempt(1)
        }],
        ..plain()
    };
    one.insert(with_finding).await.unwrap();
    let expected = BanChange::Suppression(SuppressionChange::Keep(found));
    assert_eq!(asking.changes().await, [expected]);

    // It does not matter how often a thing has changed meanwhile.
    change(&*one, &suspended(&near)).await;
    change(&*one, &suppressed).await;
    let by_eve = suspended(&suspension("near.example", 3, "eve"));
    change(&*other, &by_eve).await;
    let changes = asking.changes().await;
    assert!(!changes.contains(&by_eve), "{changes:?}");
    assert_eq!(changes[..2], [suspended(&near), suppressed]);

    // What was never given is a number of another database.
    let beyond = other.bans_changed(Some(asking.since + 1)).await.unwrap();
    assert_eq!((beyond.number, beyond.changes), (asking.since, None));
}
