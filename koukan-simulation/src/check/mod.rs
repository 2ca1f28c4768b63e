//! What must hold whatever happens.

mod events;

use std::time::Duration;

use koukan_core::test_util::FaultyBackend;
use tokio::time::{sleep, timeout};

use super::{
    agent::Agent,
    known::Known,
    ledger::{Account, Key, Ledger},
    plan::{Plan, To},
    world::{Time, World},
};

/// How long a client waits for the reply to its message, at most, where all that it has to do with
/// is well.
const PROMPT: Duration = Duration::from_secs(30);

/// How long a message that was promised takes to arrive where all is well; and how much longer for
/// each that was under way when a process ended, which are attempted one after the other.
const QUEUED: [Duration; 2] = [Duration::from_secs(120), Duration::from_secs(15)];

/// Room for queued attempts that plans never fill.
const AMPLE: usize = 100;

/// Polls that there may be for each event, and beside them.
const POLLS: (u64, u64) = (20, 2_000);

/// How long a read takes, at most, with all that storage does for it.
const READING: Duration = Duration::from_secs(10);

/// How soon a process is gone after it has told clients that it stops.
const STOPPING: Duration = Duration::from_secs(15);

pub(crate) use self::events::events;

/// When all is quiet, nothing is held.
pub(crate) async fn at_rest(world: &World, agent: &Agent, backend: &FaultyBackend) {
    let census = agent.storage.backend().census().await;
    let pool = agent.storage.pool();
    let used = pool.used() + pool.charged();
    let free_readers = free_readers(backend, world.plan.faults.readers).await;
    let mut ledger = world.ledger();
    match census {
        Ok(census) => {
            if census.leased > 0 {
                ledger.violation(format!("{} transactions stay leased", census.leased));
            }
            if census.waiting > 0 {
                ledger.violation(format!("{} transactions stay queued", census.waiting));
            }
        }
        Err(error) => ledger.violation(format!("nobody can tell what is left: {error}")),
    }
    if used > 0 {
        ledger.violation(format!("{used} octets stay charged"));
    }
    if free_readers < world.plan.faults.readers {
        ledger.violation(format!("only {free_readers} readers are free"));
    }
}

/// How many readers are free, once those who read have ended: who follows events may read just now.
async fn free_readers(backend: &FaultyBackend, all: usize) -> usize {
    let are_free = async {
        while backend.free_readers() < all {
            sleep(Duration::from_secs(1)).await;
        }
    };
    let _ = timeout(READING, are_free).await;
    backend.free_readers()
}

/// Nothing was polled for nothing; in the last processes there were so many calls of storage.
pub(crate) fn polls(world: &World, calls: u64) {
    let mut ledger = world.ledger();
    let (each, beside) = POLLS;
    let (events, calls) = (ledger.events, ledger.calls + calls);
    let most = (events + calls) * each + beside;
    if ledger.polls > most {
        let what = format!(
            "{} polls for {events} events and {calls} calls of storage",
            ledger.polls
        );
        ledger.violation(what);
    }
}

/// What clients were told agrees with what has become of their messages.
pub(crate) fn accounts(world: &World) {
    let mut ledger = world.ledger();
    let plan = &world.plan;
    let mut found = lost(&ledger);
    found.extend(doubled(&ledger, plan));
    for account in ledger.letters.values() {
        found.extend(contradicted(&ledger, account, world));
        found.extend(delayed(account, plan));
    }
    if plan.max_in_flight >= AMPLE || !world.overlooks(Known::Delay) {
        found.extend(held_up(&ledger, plan));
    }
    ledger.violations.extend(found);
}

/// Every recipient to whom delivery was promised got the message, or the sender was told.
fn lost(ledger: &Ledger) -> Vec<String> {
    let is_lost = |key: &Key| {
        let is_known = ledger.reports.contains_key(key)
            || ledger.confused.contains(key)
            || ledger.is_given_up(key);
        ledger.deliveries_of(key).is_empty() && !is_known
    };
    let lost = ledger.promised().filter(|(key, _)| is_lost(key));
    lost.map(|((letter, to), at)| {
        let (address, at) = (to.address(letter), Time(at));
        format!("{address} is lost: promised at {at}, and neither delivered nor reported")
    })
    .collect()
}

/// Nobody gets a message more often than can be helped, nor is it reported twice.
fn doubled(ledger: &Ledger, plan: &Plan) -> Vec<String> {
    let mut doubled = Vec::new();
    // Whoever hears no reply sends it again: the agent, a process after it, and the client.
    let excused = |letter, ends| 1 + ledger.repetitions(letter, plan) as usize + ends;
    // Once it is written down as delivered, no end of a process is in the way of that.
    let under_way = |key: &Key| {
        let recorded = ledger.recorded.get(key);
        let is_before = |end: &&Duration| recorded.is_none_or(|recorded| *recorded >= **end);
        ledger.ends.iter().filter(is_before).count()
    };
    for (key, deliveries) in &ledger.deliveries {
        let unheard = ledger.unheard.get(key).copied().unwrap_or_default();
        let is_confused = ledger.confused.contains(key);
        if deliveries.len() > excused(key.0, under_way(key)) + unheard as usize && !is_confused {
            let (address, times) = (key.1.address(key.0), deliveries.len());
            doubled.push(format!("{address} gets message {} {times} times", key.0));
        }
    }
    for ((letter, to), times) in &ledger.reports {
        if *times as usize > excused(*letter, ledger.ends.len()) {
            let address = to.address(*letter);
            doubled.push(format!("{address} is reported {times} times"));
        }
    }
    doubled
}

/// No reply says what is not so: who was refused last, and was never promised anything, gets nothing.
fn contradicted(ledger: &Ledger, account: &Account, world: &World) -> Vec<String> {
    let letter = account.letter.number;
    let mut found = Vec::new();
    for (to, (code, at)) in &account.refused {
        let key = (letter, *to);
        let is_promised = account.promised.contains_key(to) || account.unanswered > 0;
        if is_promised || ledger.heard_of(&key) == 0 || ledger.confused.contains(&key) {
            continue;
        }
        let last = ledger.last_whole.get(&key);
        let is_later = last.is_some_and(|last| last > at);
        // Where storage fails, what is delivered already may have to be refused; and a process that ends meanwhile
        // does not come to know whether what it was asked to keep is kept.
        let mut ends = ledger.ends.iter();
        let is_unknown = ends.any(|end| end.checked_sub(*at).is_some_and(|left| left < STOPPING));
        let is_excused = !world.plan.is_durable() && (!is_later || is_unknown);
        if !is_excused {
            let (address, at) = (to.address(letter), Time(*at));
            found.push(format!(
                "{address} was refused with {code} at {at} and got message {letter}"
            ));
        }
    }
    found
}

/// Who has to do with nobody slow is not slow.
fn delayed(account: &Account, plan: &Plan) -> Option<String> {
    let mut to = account.letter.to.iter();
    if account.is_slow || !to.all(|to| is_well(plan, *to)) {
        return None;
    }
    let longest = account.waits.iter().max()?;
    let letter = account.letter.number;
    (*longest > PROMPT).then(|| {
        format!(
            "message {letter} waits {longest:?} for its reply, though all its destinations are well"
        )
    })
}

/// What is queued for those who are well is not held up by others.
fn held_up(ledger: &Ledger, plan: &Plan) -> Vec<String> {
    let [bound, each] = QUEUED;
    let bound = bound + each * u32::try_from(ledger.promised().count()).unwrap_or(u32::MAX);
    let mut found = Vec::new();
    for ((letter, to), promised) in ledger.promised() {
        let Some(first) = ledger.deliveries_of(&(letter, to)).first() else {
            continue;
        };
        // What is to be sent later is not late before.
        let account = ledger.letters.get(&letter);
        let due = account.and_then(|account| account.not_before);
        let promised = promised.max(due.unwrap_or_default());
        // Every end of a process may begin it anew.
        let before = ledger.ends.iter().filter(|end| *end < first).max();
        let from = promised.max(before.copied().unwrap_or_default());
        let took = first.saturating_sub(from);
        if is_well(plan, to) && took > bound {
            let address = to.address(letter);
            found.push(format!(
                "{address}, who is well, gets message {letter} after {took:?}"
            ));
        }
    }
    found
}

/// Whether nothing that a recipient's mail has to do with fails, or is stopped.
fn is_well(plan: &Plan, to: To) -> bool {
    plan.is_durable() && plan.is_healthy(to.destination) && !plan.is_stopped(to.destination)
}
