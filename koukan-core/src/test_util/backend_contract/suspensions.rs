//! Suspended destinations, and counts of the queue by destination.

use std::sync::Arc;

use crate::{
    context::{Context, Sender},
    reply::Reply,
    storage::{
        Backend,
        record::{
            Change, Companions, DestinationCensus, Due, MessageKey, NewTransaction, QueueAction,
            SchedulingKey, SessionId, Skipped, Standing, Status, Suspension, SuspensionChange,
            TransactionId, Work,
        },
    },
};

use super::{
    BackendFixture,
    sample::{attempt, delivered, plain, recipient, settlement, time},
};

fn bound_for(to: &[&str], at: i64, work: Work) -> NewTransaction {
    NewTransaction {
        context: Arc::new(Context::new(Sender::new("out bound"))),
        recipients: to.iter().map(|to| recipient(to)).collect(),
        status: Status::Due(Due { at: time(at), work }),
        ..plain()
    }
}

async fn insert(backend: &dyn Backend, new: NewTransaction) -> TransactionId {
    let id = new.id;
    backend.insert(new).await.unwrap();
    id
}

pub(super) fn suspension(host: &str, at: i64, by: &str) -> Suspension {
    Suspension {
        host: host.into(),
        since: time(at),
        by: by.into(),
    }
}

async fn suspend(backend: &dyn Backend, suspension: &Suspension) {
    let change = SuspensionChange::Suspend(suspension.clone());
    backend.change_suspension(change).await.unwrap();
}

async fn leased(
    backend: &dyn Backend,
    session: SessionId,
    standing: Standing,
) -> Vec<TransactionId> {
    let leased = backend.lease_due(session, time(5), standing, 9, &[]).await;
    let leased = leased.unwrap().into_iter();
    leased.map(|leased| leased.transaction.id).collect()
}

/// Nobody leases attempts for a suspended destination. Other work and other destinations are leased.
/// Suspended transactions can be given up.
pub async fn leaves_what_is_suspended(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let near = bound_for(&["bob@Near.example", "eve@near.EXAMPLE"], 1, Work::Attempt);
    let companion = Companions {
        message_key: MessageKey::random(),
        destination: Some(SchedulingKey::of(&near.context, &near.recipients)),
        until: time(5),
        limit: 9,
    };
    let near = NewTransaction {
        message_key: Some(companion.message_key),
        ..near
    };
    let near = insert(backend, near).await;
    let notified = insert(backend, bound_for(&["bob@near.example"], 2, Work::Notify)).await;
    let both = ["bob@near.example", "bob@far.example"];
    let both = insert(backend, bound_for(&both, 3, Work::Attempt)).await;
    suspend(backend, &suspension("near.example", 0, "olga")).await;

    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(2)));
    assert_eq!(
        leased(backend, session, Standing::Clear).await,
        [notified, both]
    );
    assert_eq!(backend.next_due(Standing::Clear, &[]).await.unwrap(), None);
    let companions = backend.lease_companions(session, time(5), vec![companion.clone()], 9);
    assert!(companions.await.unwrap().is_empty());
    let taken = backend.lease(near, session, Some(Work::Attempt)).await;
    assert!(taken.unwrap().is_none());
    let retry = |is_dry| Change {
        ids: vec![near],
        action: QueueAction::Retry,
        now: time(0),
        is_dry,
    };
    for is_dry in [true, false] {
        let judged = backend.change(retry(is_dry)).await.unwrap();
        assert_eq!(judged, [(near, Err(Skipped::Suspended))]);
    }
    let over = NewTransaction {
        status: delivered(),
        ..bound_for(&["bob@near.example"], 0, Work::Attempt)
    };
    let over = insert(backend, over).await;
    let change = Change {
        ids: vec![over],
        ..retry(false)
    };
    let judged = backend.change(change).await.unwrap();
    assert_eq!(judged, [(over, Err(Skipped::Finished))]);
    let taken = backend.lease(near, session, None).await.unwrap().unwrap();
    backend.release(near, session, taken.fence).await.unwrap();

    let resume = SuspensionChange::Resume("near.example".into());
    backend.change_suspension(resume).await.unwrap();
    let judged = backend.change(retry(true)).await.unwrap();
    assert_eq!(judged, [(near, Ok(2))]);
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(time(1)));
    let companions = backend.lease_companions(session, time(5), vec![companion], 9);
    assert_eq!(companions.await.unwrap().len(), 1);
}

/// A suspension outlives the process and keeps the name of its first author; it also holds for
/// transactions that were in a crash.
pub async fn keeps_suspensions(fixture: &dyn BackendFixture) {
    let near = suspension("near.example", 1, "olga");
    let far = suspension("far.example:25", 2, "[::1]");
    {
        let backend = fixture.open().await;
        let session = SessionId::random();
        backend.open_session(session, time(0)).await.unwrap();
        insert(
            &*backend,
            bound_for(&["bob@near.example"], 1, Work::Attempt),
        )
        .await;
        assert_eq!(leased(&*backend, session, Standing::Clear).await.len(), 1);
        assert_eq!(backend.suspensions().await.unwrap(), []);
        suspend(&*backend, &near).await;
        suspend(&*backend, &suspension("near.example", 3, "eve")).await;
        suspend(&*backend, &far).await;
    }
    let backend = fixture.open().await;
    let session = SessionId::random();
    let recovered = backend.open_session(session, time(2)).await.unwrap();
    assert_eq!(recovered.freed, 1);
    assert_eq!(backend.suspensions().await.unwrap(), [far, near.clone()]);
    assert_eq!(leased(&*backend, session, Standing::Suspect).await, []);
    assert_eq!(
        backend.next_due(Standing::Suspect, &[]).await.unwrap(),
        None
    );
    for host in ["far.example:25", "unknown.example"] {
        let resume = SuspensionChange::Resume(host.into());
        backend.change_suspension(resume).await.unwrap();
    }
    assert_eq!(backend.suspensions().await.unwrap(), [near]);
}

/// The queue is counted by destination, for transactions whose recipients all have the same one.
pub async fn counts_by_destination(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let backend = &*backend;
    let session = SessionId::random();
    backend.open_session(session, time(0)).await.unwrap();
    let far = bound_for(&["bob@far.example"], 9, Work::Attempt);
    let failed = attempt(-5);
    let ended = insert(backend, far.clone()).await;
    let taken = backend.lease(ended, session, None).await.unwrap().unwrap();
    let end = settlement(&taken, session, -5, far.status.clone());
    backend.settle(end).await.unwrap();
    let held = bound_for(&["bob@Far.example"], 1, Work::Attempt);
    let held = insert(backend, held).await;
    let hold = Change {
        ids: vec![held],
        action: QueueAction::Hold,
        now: time(0),
        is_dry: false,
    };
    backend.change(hold).await.unwrap();
    let active = insert(backend, bound_for(&["a@far.example"], 1, Work::Attempt)).await;
    backend.lease(active, session, None).await.unwrap().unwrap();
    insert(backend, bound_for(&["b@far.example"], 2, Work::Attempt)).await;
    insert(backend, bound_for(&["b@far.example"], 2, Work::Notify)).await;
    let both = ["bob@near.example", "bob@far.example"];
    insert(backend, bound_for(&both, 1, Work::Attempt)).await;
    insert(backend, bound_for(&["bob@near.example"], 7, Work::Attempt)).await;
    insert(
        backend,
        bound_for(&["bob@nearer.example"], 1, Work::Attempt),
    )
    .await;

    let far = DestinationCensus {
        host: "far.example".into(),
        queued: 5,
        active: 1,
        held: 1,
        due: 1,
        next: Some(time(9)),
        last_attempt: Some(failed),
    };
    let near = DestinationCensus {
        host: "near.example".into(),
        queued: 1,
        next: Some(time(7)),
        ..DestinationCensus::default()
    };
    let nearer = DestinationCensus {
        host: "nearer.example".into(),
        queued: 1,
        due: 1,
        ..DestinationCensus::default()
    };
    let counted =
        async |host: Option<&str>, limit| backend.destinations(host, time(5), limit).await.unwrap();
    assert_eq!(
        far.last_reply(),
        far.last_reply().filter(Reply::is_negative)
    );
    let all = [far.clone(), near.clone(), nearer.clone()];
    assert_eq!(counted(None, 9).await, all);
    assert_eq!(counted(None, 1).await, all[..1]);
    assert_eq!(counted(Some("near.example"), 9).await, all[1..2]);
    assert_eq!(counted(Some("unknown.example"), 9).await, []);
    suspend(backend, &suspension("nearer.example", 0, "olga")).await;
    suspend(backend, &suspension("unknown.example", 0, "olga")).await;
    assert_eq!(counted(None, 9).await, [nearer, far, near]);
}
