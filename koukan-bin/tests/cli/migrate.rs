//! `koukan migrate`.

use serde_json::Value;

use super::*;

#[path = "../../../koukan-storage/tests/support/postgres.rs"]
pub(super) mod server;

/// A configuration with this text as its storage.
pub(super) fn config_with(directory: &tempfile::TempDir, storage: &str) -> String {
    let config = directory.path().join("koukan.yaml").display().to_string();
    let local = include_str!("../../../config/local/koukan.yaml");
    let sqlite = local.lines().find(|line| line.contains("sqlite:")).unwrap();
    fs::write(&config, local.replace(sqlite, storage)).unwrap();
    config
}

fn migrate(config: &str, more: &[&str]) -> (bool, String) {
    let output = koukan(&[&["migrate", "--config", config], more].concat());
    let printed = text(&output.stdout) + &text(&output.stderr);
    (output.status.success(), printed)
}

fn json(told: &str) -> Value {
    serde_json::from_str(told).unwrap()
}

/// Shows the versions, applies the migrations, and shows the versions again.
fn is_brought_up_to_date(config: &str) {
    let (is_done, told) = migrate(config, &[]);
    assert!(is_done && told.contains("no tables"), "{told}");
    assert!(told.contains("nothing was changed"), "{told}");
    let (_, told) = migrate(config, &["--json"]);
    let shown = json(&told);
    assert_eq!(shown["version"], Value::Null);
    let migrations = shown["migrations"].as_array().unwrap();
    assert!(migrations.iter().all(|one| one["state"] == "pending"));
    let (is_done, told) = migrate(config, &["--apply", "--json"]);
    let applied = json(&told);
    assert!(is_done && applied["is_changed"] == true, "{told}");
    assert_eq!(
        applied["version"],
        migrations.last().unwrap()["version"],
        "{told}"
    );
    let (is_done, told) = migrate(config, &["--apply"]);
    assert!(is_done && told.contains("it is up to date"), "{told}");
}

#[test]
fn a_sqlite_database_is_shown_and_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("new/queue.sqlite");
    let config = config_with(&directory, &format!("  sqlite: {}", database.display()));
    is_brought_up_to_date(&config);
    assert!(database.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_database_that_an_agent_uses_is_shown_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("queue.sqlite");
    let config = config_with(&directory, &format!("  sqlite: {}", database.display()));
    let agent = koukan_storage::SqliteBackend::open(&database).await;
    let (is_done, told) = migrate(&config, &[]);
    assert!(is_done && told.contains("it is up to date"), "{told}");
    let (is_done, told) = migrate(&config, &["--apply"]);
    assert!(
        !is_done && told.contains("in use by another process: stop that first"),
        "{told}"
    );
    agent.unwrap().close().await;
}

#[test]
fn a_postgresql_database_is_shown_and_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let config = config_with(&directory, &format!("  postgres: {{ url: \"{url}\" }}"));
    is_brought_up_to_date(&config);
    server::execute(
        &url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, '', 0)",
    );
    let (is_done, told) = migrate(&config, &[]);
    assert!(!is_done && told.contains("9999  later"), "{told}");
    let (is_done, told) = migrate(&config, &["--apply"]);
    assert!(
        !is_done && told.contains("has schema version 9999, which this program does not know"),
        "{told}"
    );
    assert!(deep(&config).contains("a newer version of this program has used the database"));
}

/// The output for a configuration that is tried.
fn deep(config: &str) -> String {
    let output = koukan(&["check", "--deep", config]);
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_check_connects_to_the_server_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let config = config_with(&directory, &format!("  postgres: {{ url: \"{url}\" }}"));
    let told = deep(&config);
    assert!(!told.contains("database"), "{told}");
    let tables = server::execute(
        &url,
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
    );
    assert_eq!(tables.trim(), "0");
    let nowhere = "  postgres: { url: \"postgres://koukan:secret@%2Fnowhere/mail\" }";
    let told = deep(&config_with(&directory, nowhere));
    assert!(
        told.contains("could not connect to database mail"),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn a_move_needs_two_databases() {
    let directory = tempfile::tempdir().unwrap();
    let config = config_with(&directory, "  sqlite: /nowhere/queue.sqlite");
    let (is_done, told) = migrate(&config, &["--from", "sqlite:/nowhere/old.sqlite"]);
    assert!(
        !is_done && told.contains("names no `storage.postgres`"),
        "{told}"
    );
    let (is_done, told) = migrate(&config, &["--from", "/nowhere/old.sqlite"]);
    assert!(!is_done && told.contains("write `sqlite:FILE`"), "{told}");
    let config = config_with(&directory, "  memory: true");
    let (is_done, told) = migrate(&config, &[]);
    assert!(!is_done && told.contains("has no database"), "{told}");
}
