//! The backend contract over `PostgresBackend`.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use koukan_core::{
    backend_contract_tests, replica_contract_tests,
    storage::Backend,
    test_util::backend_contract::{BackendFixture, ReplicaFixture},
};
use koukan_storage::{PostgresBackend, PostgresOptions};

/// A database for one process at a time.
struct Alone(String);

#[async_trait]
impl BackendFixture for Alone {
    async fn open(&self) -> Arc<dyn Backend> {
        let options = PostgresOptions::new(&self.0).unwrap();
        // Waits until the previous process is gone.
        let options = options.alone().with_events(true).with_connections(4);
        Arc::new(PostgresBackend::open(options).await.unwrap())
    }
}

async fn alone() -> Alone {
    Alone(postgres::database())
}

backend_contract_tests!(alone);

/// A database that several processes share.
struct Shared(String);

#[async_trait]
impl ReplicaFixture for Shared {
    async fn join(&self) -> Arc<dyn Backend> {
        let options = PostgresOptions::new(&self.0).unwrap();
        // Much longer than any test takes.
        let term = Duration::from_secs(3600);
        let options = options.with_session_term(term).with_connections(4);
        Arc::new(PostgresBackend::open(options).await.unwrap())
    }

    /// The server's clock cannot be set, so the stored times are moved instead.
    async fn pass(&self, time: Duration) {
        let micros = time.as_micros();
        let passed = format!("{micros} * INTERVAL '1 microsecond'");
        let sql = format!("UPDATE sessions SET expires = expires - {passed}");
        postgres::execute(&self.0, &sql);
    }
}

async fn shared() -> Shared {
    Shared(postgres::database())
}

replica_contract_tests!(shared);
