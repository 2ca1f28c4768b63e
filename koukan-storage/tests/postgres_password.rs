//! A password that is changed while a process uses a PostgreSQL database.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{fs, time::Duration};

use koukan_core::storage::{BackendError, Queue, Records};
use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions};

use self::{
    postgres::{Server, execute},
    support::transaction,
};

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mail'";

/// A server that asks the user `mail` for a password, its own URL of a database, and that of the user.
fn server() -> (Server, String, String) {
    let server = Server::start_with_password_of("mail");
    let url = server.database();
    execute(
        &url,
        "CREATE ROLE mail LOGIN PASSWORD 'first'; GRANT CREATE ON SCHEMA public TO mail",
    );
    let of_mail = url.replacen("koukan@", "mail@", 1);
    (server, url, of_mail)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_is_read_from_the_file_for_each_new_connection() {
    let (_server, url, of_mail) = server();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "first\n").unwrap();
    let options = PostgresOptions::new(&of_mail).unwrap();
    let options = options
        .with_password_file(file.path())
        .with_connections(4)
        .with_patience(Duration::from_secs(60))
        .with_events(true);
    let backend = PostgresBackend::open(options).await.unwrap();
    let first = transaction(10);
    let id = first.id;
    backend.insert(first).await.unwrap();
    // The database knows the new password first, or the file does.
    for (number, password) in ["second", "third"].into_iter().enumerate() {
        let change = format!("ALTER ROLE mail PASSWORD '{password}'");
        if number == 0 {
            execute(&url, &change);
        } else {
            fs::write(file.path(), password).unwrap();
        }
        execute(&url, CUT);
        let working = tokio::spawn({
            let backend = backend.clone();
            async move {
                let found = backend.find(id).await;
                (backend.insert(transaction(10)).await, found)
            }
        });
        if number == 0 {
            fs::write(file.path(), password).unwrap();
        } else {
            execute(&url, &change);
        }
        let (inserted, found) = working.await.unwrap();
        inserted.unwrap();
        assert!(found.unwrap().is_some());
    }
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_stays_wrong_is_an_error_in_time_and_at_once_at_the_start() {
    let (_server, url, of_mail) = server();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "first").unwrap();
    let options = PostgresOptions::new(&of_mail).unwrap();
    let options = options.with_password_file(file.path());
    let brief = options.clone().with_patience(Duration::from_millis(300));
    let backend = PostgresBackend::open(brief).await.unwrap();
    execute(&url, "ALTER ROLE mail PASSWORD 'second'");
    execute(&url, CUT);
    let refused = backend.insert(transaction(10)).await;
    assert!(
        matches!(refused, Err(BackendError::Failed(_))),
        "{refused:?}"
    );
    assert!(backend.census().await.is_err());
    let patient = options.with_patience(Duration::from_secs(3600));
    let refused = PostgresBackend::open(patient.clone()).await.unwrap_err();
    let is_told = matches!(refused, PostgresError::Unreachable { .. });
    assert!(
        is_told && refused.help().unwrap().contains("password"),
        "{refused:?}"
    );
    file.close().unwrap();
    let refused = PostgresBackend::open(patient).await.unwrap_err();
    assert!(matches!(refused, PostgresError::File(_)), "{refused:?}");
}
