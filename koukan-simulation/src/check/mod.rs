//! The rules that hold in every simulation.

mod copies;
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

/// How long a client waits for the reply to its message at most, where everything that it depends
/// on is healthy.
const PROMPT: Duration = Duration::from_secs(30);

/// How long a promised message takes to arrive at most, where everything is healthy; then, how much
/// longer for each message that was under way when a process ended, since those are attempted one
/// after the other.
const QUEUED: [Duration; 2] = [Duration::from_secs(120), Duration::from_secs(15)];

/// A number of queued attempts that plans never reach.
const AMPLE: usize = 100;

/// How many polls are permitted for each event, and in addition.
const POLLS: (u64, u64) = (20, 2_000);

/// How long a read takes at most, with everything that storage does for it.
const READING: Duration = Duration::from_secs(10);

/// How soon a process is gone after it has told its clients that it stops.
const STOPPING: Duration = Duration::from_secs(15);

pub(crate) use self::events::events;

/// Checks that nothing is held at the end.
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

/// How many readers are free once current reads have ended; a reader of events may be reading.
async fn free_readers(backend: &FaultyBackend, all: usize) -> usize {
    let are_free = async {
        while backend.free_readers() < all {
            sleep(Duration::from_secs(1)).await;
        }
    };
    let _ = timeout(READING, are_free).await;
    backend.free_readers()
}

/// Checks that nothing spins. `calls` is the number of storage calls in the last processes.
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

/// Checks that what clients were told is true.
pub(crate) fn accounts(world: &World) {
    let mut ledger = world.ledger();
    let plan = &world.plan;
    let mut found = lost(&ledger);
    found.extend(doubled(&ledger, plan));
    found.extend(copies::violations(&ledger, plan));
    for account in ledger.letters.values() {
        found.extend(contradicted(&ledger, account, world));
        found.extend(delayed(account, plan));
    }
    if plan.max_in_flight >= AMPLE || !world.overlooks(Known::Delay) {
        found.extend(held_up(&ledger, plan));
    }
    ledger.violations.extend(found);
}

/// Every recipient that was promised got the message, or the sender was notified.
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

/// Nobody gets a message more often than necessary, and no failure is notified twice.
fn doubled(ledger: &Ledger, plan: &Plan) -> Vec<String> {
    let mut doubled = Vec::new();
    // A party that hears no reply repeats the message: the agent, the next process, and the client.
    let excused = |letter, ends| 1 + ledger.repetitions(letter, plan) as usize + ends;
    // An end of a process is no excuse once the delivery is recorded.
    // Nor is it one where nobody had the message by then. Of several processes, one may have sent it and learn later that
    // it has no right to it any more.
    let under_way = |key: &Key, deliveries: &[Duration]| {
        let recorded = ledger.recorded.get(key);
        let is_before = |end: &&Duration| {
            recorded.is_none_or(|recorded| *recorded >= **end)
                && (!plan.replicas.is_empty() || deliveries.iter().any(|at| at <= *end))
        };
        ledger.ends.iter().filter(is_before).count()
    };
    for (key, deliveries) in &ledger.deliveries {
        let unheard = ledger.unheard.get(key).copied().unwrap_or_default();
        let is_confused = ledger.confused.contains(key);
        if deliveries.len() > excused(key.0, under_way(key, deliveries)) + unheard as usize
            && !is_confused
        {
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

/// No reply is untrue: a recipient that was refused last, and never promised anything, gets nothing.
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
        // Where storage fails, a message that is delivered already may have to be refused. A process that ends
        // meanwhile does not learn whether its commit was made.
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

/// A client that depends on nothing slow is not slow.
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

/// Queued mail for healthy destinations is not held up by other mail.
fn held_up(ledger: &Ledger, plan: &Plan) -> Vec<String> {
    let [bound, each] = QUEUED;
    // Copies are attempted, too.
    let copies = if plan.archives { 2 } else { 1 };
    let bound =
        bound + each * copies * u32::try_from(ledger.promised().count()).unwrap_or(u32::MAX);
    let mut found = Vec::new();
    for ((letter, to), promised) in ledger.promised() {
        let Some(first) = ledger.deliveries_of(&(letter, to)).first() else {
            continue;
        };
        // A message that is to be sent later cannot be late before that time.
        let account = ledger.letters.get(&letter);
        let due = account.and_then(|account| account.not_before);
        let promised = promised.max(due.unwrap_or_default());
        // Each end of a process may start the attempt anew.
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

/// Whether nothing on a recipient's way fails or is stopped.
fn is_well(plan: &Plan, to: To) -> bool {
    plan.is_durable() && plan.is_healthy(to.destination) && !plan.is_stopped(to.destination)
}
