//! The agent is killed with SIGKILL at random under mixed load; then every acknowledged recipient
//! is accounted for.
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
//! A recipient's address says what its destination does at each attempt ([`plan`]), so the final
//! outcome is known. In each run the agent uses another name in EHLO, so it is known in which run a
//! message came.
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

/// How long the agent may take after a start until it acknowledges some mail.
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
        // Some kills come while the agent takes over what the run before has left.
        if kill == 0 || !choices.one_in(6) {
            let enough = book.acknowledged() + choices.between(5, 40);
            if !comes_within(PROGRESS, || book.acknowledged() >= enough) {
                account.stuck("nothing is acknowledged any more");
                break;
            }
        }
        // Some runs leave time for retries, notifications and waiting clients.
        let most = if choices.one_in(6) { 2500 } else { 150 };
        sleep(Duration::from_millis(choices.between(0, most) as u64));
        if choices.one_in(8) {
            // The agent gives back what is running, but is killed before it has finished.
            agent.begin_to_stop();
            sleep(Duration::from_millis(choices.between(0, 60) as u64));
        }
        let at = agent.kill();
        // No agent runs now, so the book has everything that clients were told.
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
