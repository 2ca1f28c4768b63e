//! Suppressed addresses.

use futures_util::future::join_all;

use crate::storage::{
    Backend,
    record::{Attempt, NewTransaction, Settlement, Suppression, SuppressionChange},
};

use super::{
    BackendFixture,
    garbage::collect,
    sample::{attempt, delivered, due, lease_one, plain, settlement, time},
};

pub(super) fn suppression(sender: &str, address: &str, until: i64) -> Suppression {
    Suppression {
        sender: sender.into(),
        address: address.into(),
        since: time(0),
        until: time(until),
        reason: "550 5.1.1 no \u{e4}".into(),
    }
}

async fn all(backend: &dyn Backend) -> Vec<Suppression> {
    let mut all = backend.suppressions().await.unwrap();
    all.sort_by(|one, other| (&one.sender, &one.address).cmp(&(&other.sender, &other.address)));
    all
}

/// Suppressions are kept by sender and address; a newer one replaces an older one. They stay until they
/// are removed or expire.
pub async fn keeps_suppressions(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let [near, far] = ["a", "b"].map(|sender| suppression(sender, "\"x y\"@z", 50));
    let old = suppression("a", "old@z", 5);
    for one in [&near, &old, &far] {
        let change = SuppressionChange::Keep(one.clone());
        backend.change_suppression(change).await.unwrap();
    }
    let longer = Suppression {
        until: time(90),
        ..near
    };
    let change = SuppressionChange::Keep(longer.clone());
    backend.change_suppression(change).await.unwrap();
    assert_eq!(all(backend).await, [longer.clone(), old, far.clone()]);
    assert_eq!(collect(backend, 5).await.suppressions, 1);
    assert_eq!(all(backend).await, [longer.clone(), far.clone()]);
    let remove = || SuppressionChange::Remove {
        sender: "b".into(),
        address: far.address.clone(),
    };
    for _ in 0..2 {
        backend.change_suppression(remove()).await.unwrap();
        assert_eq!(all(backend).await, std::slice::from_ref(&longer));
    }
}

/// All expired suppressions are removed, however many there are, and the collector knows when more
/// are left.
pub async fn collects_all_that_is_suppressed_no_longer(fixture: &dyn BackendFixture) {
    const ENDED: usize = 1500;
    let backend = fixture.open().await;
    let backend = &*backend;
    let keep = |number: usize| {
        let one = suppression("a", &format!("{number}@z"), 5);
        backend.change_suppression(SuppressionChange::Keep(one))
    };
    let kept = join_all((0..ENDED).map(keep)).await;
    assert!(kept.iter().all(Result::is_ok));
    assert_eq!(all(backend).await.len(), ENDED);
    assert_eq!(collect(backend, 5).await.suppressions, ENDED as u64);
    assert_eq!(all(backend).await, []);
}

/// Addresses that an attempt found to be bad are written together with the attempt, by every operation
/// that writes one. If the attempt is not written, neither are they.
pub async fn suppresses_with_attempts(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let finding = |at: i64, address: &str| Attempt {
        suppresses: vec![suppression("a", address, 50)],
        ..attempt(at)
    };
    let queued = NewTransaction {
        attempts: vec![finding(-5, "first@z")],
        ..plain()
    };
    backend.insert(queued).await.unwrap();
    let (session, leased) = lease_one(backend, 0).await;
    let settle = |fence: u64, address: &str| Settlement {
        fence,
        attempt: Some(finding(1, address)),
        ..settlement(&leased, session, 1, due(9))
    };
    let lost = settle(leased.fence + 1, "lost@z");
    backend.settle(lost).await.unwrap_err();
    backend
        .settle(settle(leased.fence, "second@z"))
        .await
        .unwrap();
    let over = NewTransaction {
        body: None,
        attempts: vec![finding(2, "third@z")],
        status: delivered(),
        ..plain()
    };
    backend.summarise(vec![over]).await.unwrap();
    let expected = ["first@z", "second@z", "third@z"];
    assert_eq!(
        all(backend).await,
        expected.map(|address| suppression("a", address, 50))
    );
    let attempts = backend.attempts(leased.transaction.id).await.unwrap();
    assert!(attempts.iter().all(|attempt| attempt.suppresses.is_empty()));
}
