//! kill -9 at random under mixed load, and an account of every recipient that was acknowledged.
//!
//! ```text
//!  clients ───────────────▶ agent ───────────────▶ destination
//!  load/                    killed and started      destination/
//!     │                     again, agent.rs             │
//!     │ what was              │ what its database       │ what came, and in
//!     │ acknowledged          │ says at each kill       │ which run of the agent
//!     ▼                       ▼ record.rs               ▼
//!  book.rs ────────────▶ account/ ◀──────────────── book.rs
//! ```
//!
//! What a recipient of a destination does at each attempt stands in its address
//! ([`plan`]), so that it is known what must become of it in the end. The agent says EHLO
//! by another name in each run, so that it is known in which run a message came.
//!
//! `scripts/crash` runs this with more kills; see there.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "real processes take real time, and the account is for people"
)]

mod account;
mod agent;
mod book;
mod database;
mod destination;
mod load;
mod plan;
mod record;
mod settings;

use std::{sync::Arc, thread::sleep, time::Duration};

use crate::{choices::Choices, process::comes_within};

use self::{
    account::Account, agent::Agent, book::Book, database::Kind, destination::Destination,
    load::Load, record::Record, settings::Settings,
};

/// How long the agent may take to acknowledge some mail after a start.
const PROGRESS: Duration = Duration::from_secs(60);

#[test]
fn every_acknowledged_recipient_is_accounted_for() {
    account_for_all(Kind::Sqlite);
}

#[test]
fn every_acknowledged_recipient_is_accounted_for_on_postgres() {
    account_for_all(Kind::Postgres);
}

fn account_for_all(kind: Kind) {
    let settings = Settings::from_environment();
    let (kills, seed) = (settings.kills, settings.seed);
    println!("crash: {kind:?}, {kills} kills, seed {seed}");
    let account = run(kind, &settings);
    println!("{account}");
    assert!(account.is_balanced(), "the account does not balance");
}

fn run(kind: Kind, settings: &Settings) -> Account {
    let book = Arc::new(Book::default());
    let destination = Destination::start(&book, settings.seed);
    let mut agent = Agent::start(kind, &destination);
    agent.await_ready();
    let load = Load::start(settings.seed, &agent, &book);
    let mut account = Account::new(settings.seed);
    for kill in 0..settings.kills {
        let mut choices = Choices::new(settings.seed, "kill", kill);
        // Some come while the agent takes up what the one before has left.
        if kill == 0 || !choices.one_in(6) {
            let enough = book.acknowledged() + choices.between(5, 40);
            if !comes_within(PROGRESS, || book.acknowledged() >= enough) {
                account.stuck("nothing is acknowledged any more");
                break;
            }
        }
        // Some leave time for retries, notifications and clients who wait.
        let most = if choices.one_in(6) { 2500 } else { 150 };
        sleep(Duration::from_millis(choices.between(0, most) as u64));
        if choices.one_in(8) {
            // It gives back what is under way, and does not come to the end of that.
            agent.begin_to_stop();
            sleep(Duration::from_millis(choices.between(0, 60) as u64));
        }
        let at = agent.kill();
        // Whatever a client was told, this run has told it.
        let record = Record::read(agent.database());
        account.killed(at, &record, &book.entries());
        agent.start_again();
    }
    agent.await_ready();
    load.stop();
    if let Err(left) = agent.comes_to_rest(settings.rest) {
        account.stuck(&left);
    }
    load::views::read(&agent, &book);
    let record = agent.stop();
    account.close(&record, &book, &agent.log());
    account
}
