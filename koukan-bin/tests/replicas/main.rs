//! Three routers and two gateways over one PostgreSQL database with a synchronous standby, behind
//! haproxy, under load and in trouble. Processes are killed, stopped for longer than their session
//! lives, cut off from the database, and drained. The database is restarted and fails over. At the
//! end every recipient is accounted for ([`ledger`]).
//!
//! A seed determines what happens, as far as that does not depend on timing. The troubles take 60
//! s; `scripts/replicas` takes longer, see there. This is a separate binary, so that no other test
//! uses the processors: a process that gets no processor for seconds is as good as stopped.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "real processes take real time, and the account is for people"
)]

#[path = "../e2e/choices.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod choices;
#[path = "../e2e/client.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod client;
mod configuration;
mod database;
mod front;
#[path = "../e2e/http.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod http;
mod ledger;
mod load;
mod node;
#[path = "../e2e/peers.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod peers;
mod plan;
#[path = "../../../koukan-storage/tests/support/postgres.rs"]
mod postgres;
#[path = "../e2e/process.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod process;
mod sink;
mod site;
mod trouble;
#[path = "../../../koukan-storage/tests/support/wire.rs"]
mod wire;

use std::{env, fmt::Debug, str::FromStr, sync::Arc, time::Duration};

use self::{ledger::Ledger, load::Load, plan::Plan, site::Site};

/// How long it may take until the queue is empty.
const REST: Duration = Duration::from_secs(180);

#[test]
fn every_acknowledged_recipient_is_accounted_for() {
    let (seconds, seed) = (
        number("KOUKAN_REPLICAS_SECONDS", 60),
        number("KOUKAN_REPLICAS_SEED", 1),
    );
    println!("replicas: {seconds} s, seed {seed}");
    let plan = Plan::of(seed, Duration::from_secs(seconds));
    let ledger = Arc::new(Ledger::default());
    let site = Site::build(&ledger);
    let load = Load::start(seed, &site.clients, &ledger);
    trouble::let_befall(&site, &plan, &ledger);
    load.stop();
    site.close(&ledger, REST);
    let account = ledger.close();
    println!("{account}");
    if !account.is_balanced() {
        let logs = site.keep_logs();
        panic!(
            "the account does not balance; seed {seed}, logs in {}",
            logs.display()
        );
    }
}

fn number<T: FromStr<Err: Debug>>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error:?}")),
        Err(_) => default,
    }
}
