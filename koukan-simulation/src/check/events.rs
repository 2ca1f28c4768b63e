//! Checks that readers of events were told what has happened.

use std::collections::{BTreeMap, BTreeSet};

use koukan_core::storage::{
    Backend, BackendError, EventQuery, Listing, QueueState, Search,
    record::{EventKind, FinalReason, KeptEvent, Status, TransactionId},
};

use crate::{
    agent::{COPIES, GATE, OUT},
    ledger::Ledger,
    plan::{Plan, To},
    world::World,
};

/// Transactions and events on one page; there are always fewer transactions.
const PAGE: usize = 1_000;

/// Each delivery is reported, and each end once, as the last event.
pub(crate) async fn events(world: &World, backend: &dyn Backend) {
    if !backend.keeps_events() {
        return;
    }
    let found = match (all(backend).await, ends(backend).await) {
        (Ok(events), Ok(ends)) => violations(&world.ledger(), &world.plan, &events, &ends),
        (Err(error), _) | (_, Err(error)) => vec![format!("nobody can read events: {error}")],
    };
    world.ledger().violations.extend(found);
}

async fn all(backend: &dyn Backend) -> Result<Vec<KeptEvent>, BackendError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let query = EventQuery {
            after: Some(after),
            limit: PAGE,
            ..EventQuery::default()
        };
        let page = backend.events(query).await?;
        all.extend(page.events);
        if page.seen >= page.last {
            return Ok(all);
        }
        after = page.seen;
    }
}

/// How the promised transactions ended.
async fn ends(backend: &dyn Backend) -> Result<Vec<(TransactionId, FinalReason)>, BackendError> {
    let listing = Listing {
        sender: None,
        state: Some(QueueState::Finished),
        search: Search::default(),
        before: None,
        limit: PAGE,
    };
    let listed = backend.list(listing).await?.into_iter();
    // For transactions that were never committed, only deliveries are reported.
    let committed = listed.filter(|stored| stored.terms.retry);
    let ends = committed.filter_map(|stored| match stored.status {
        Status::Final(reason) => Some((stored.id, reason)),
        Status::Due(_) => None,
    });
    Ok(ends.collect())
}

fn violations(
    ledger: &Ledger,
    plan: &Plan,
    events: &[KeptEvent],
    ends: &[(TransactionId, FinalReason)],
) -> Vec<String> {
    let mut found = Vec::new();
    for (place, event) in (1..).zip(events) {
        if event.number != place {
            found.push(format!("event {} stands at place {place}", event.number));
        }
    }
    if plan.subscribes && ledger.read != events {
        let [read, all] = [&ledger.read[..], events].map(<[_]>::len);
        found.push(format!("a reader of events has {read} of {all}, or others"));
    }
    let mut last: BTreeMap<String, &KeptEvent> = BTreeMap::new();
    let mut delivered = BTreeSet::new();
    for event in events {
        let (id, kind) = (event.event.transaction.to_string(), event.event.kind);
        if let Some(before) = last.insert(id.clone(), event)
            && before.event.end.is_some()
        {
            found.push(format!(
                "{kind:?} of transaction {id} is told after its end"
            ));
        }
        let key = event.event.recipient.as_deref().and_then(To::parse);
        // An archive gets copies for recipients that get the message from elsewhere.
        let is_copy = &*event.event.sender.name == COPIES;
        if let Some(key) = key.filter(|_| kind == EventKind::Delivered && !is_copy) {
            delivered.insert(key);
            // What legs have not delivered is queued again.
            let sender = &*event.event.sender.name;
            let is_handed_on = sender == GATE || plan.divides && sender == OUT;
            let has_it = !ledger.deliveries_of(&key).is_empty();
            if !is_handed_on && !has_it && !ledger.confused.contains(&key) {
                let address = key.1.address(key.0);
                found.push(format!(
                    "{address} is told to be delivered, and got nothing"
                ));
            }
        }
    }
    for (letter, to) in ledger.recorded.keys() {
        if !delivered.contains(&(*letter, *to)) {
            let address = to.address(*letter);
            found.push(format!("no event tells that {address} was delivered"));
        }
    }
    for (id, reason) in ends {
        let told = last.get(&id.to_string()).and_then(|event| event.event.end);
        if told != Some(*reason) {
            found.push(format!(
                "transaction {id} is over ({reason:?}), and events tell {told:?}"
            ));
        }
    }
    found
}
