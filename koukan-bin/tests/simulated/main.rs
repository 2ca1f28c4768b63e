//! The simulation with an embedder's parts: filters whose faults are found, and SQLite.

mod sqlite;

use koukan::simulation::Simulation;
use koukan_core::{
    middleware::{Next, from_fn},
    reply::Reply,
    service::BoxMailLayer,
    transaction::Transaction,
};
use tower::BoxError;

/// Adds a field to every message.
async fn stamp(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    let stamped = tx.map_body(|mut body| {
        body.prepend("X-Stamp: 1\r\n".into());
        body
    });
    next.run(stamped).await
}

/// Replies that it has accepted every message, and delivers none.
async fn swallow(_: Transaction, _: Next) -> Result<Reply, BoxError> {
    Ok(Reply::message_accepted())
}

#[test]
fn a_filter_that_is_right_passes() {
    let simulation = Simulation::new().with_filter(BoxMailLayer::new(from_fn(stamp)));
    for seed in 0..100 {
        assert_eq!(
            simulation.violations(seed),
            Vec::<String>::new(),
            "seed {seed}"
        );
    }
}

#[test]
fn a_filter_that_loses_messages_is_found_out() {
    let simulation = Simulation::new().with_filter(BoxMailLayer::new(from_fn(swallow)));
    let mut seeds = 0..100;
    let violations =
        seeds.find_map(|seed| Some(simulation.violations(seed)).filter(|v| !v.is_empty()));
    let violations = violations.unwrap_or_default();
    assert!(
        violations.iter().any(|what| what.contains("is lost")),
        "{violations:?}"
    );
}
