//! What `koukan check --deep` and the start tell of a PostgreSQL database that cannot be used.

use super::{
    migrate::{config_with, server},
    *,
};

/// A user of its own, and its URL of the database.
fn user(url: &str, name: &str, rights: &str) -> String {
    server::execute(url, &format!("CREATE ROLE {name} LOGIN; {rights}"));
    url.replacen("koukan@", &format!("{name}@"), 1)
}

fn deep(config: &str) -> String {
    let output = koukan(&["check", "--deep", config]);
    text(&output.stdout) + &text(&output.stderr)
}

/// The output of an agent that does not start.
fn start(config: &str) -> String {
    let output = koukan(&["run", "--config", config]);
    assert!(!output.status.success());
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_database_that_an_agent_cannot_use_is_told_of_with_its_place_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let name = url.rsplit('/').next().unwrap();
    let create = "GRANT CREATE ON SCHEMA public TO";
    for (user_name, rights, words, help) in [
        (
            "no_creator",
            String::new(),
            "may not create tables in schema public",
            "`GRANT CREATE ON SCHEMA public TO no_creator`",
        ),
        (
            "reader",
            format!("{create} reader; ALTER ROLE reader SET default_transaction_read_only = on"),
            "read-only (`default_transaction_read_only`)",
            "`ALTER ROLE reader SET default_transaction_read_only = off`",
        ),
        (
            "nobody_s",
            "ALTER ROLE nobody_s SET search_path = nowhere".to_owned(),
            "no schema of its search path (nowhere) that user nobody_s may use",
            "ALTER ROLE nobody_s SET search_path",
        ),
        (
            "\"No One\"",
            format!(
                "ALTER ROLE \"No One\" SET search_path = nowhere; REVOKE CONNECT ON DATABASE {name} FROM public"
            ),
            "permission denied for database",
            "give the user the rights that it lacks",
        ),
    ] {
        let by_user = user(&url, user_name, &rights).replace("\"No One\"", "No%20One");
        let config = config_with(&directory, &format!("  postgres: {{ url: \"{by_user}\" }}"));
        let line = fs::read_to_string(&config).unwrap();
        let line = line.lines().position(|line| line.contains("postgres:"));
        let place = format!("{config}:{}:20: ", line.unwrap() + 1);
        let told = deep(&config);
        let first = told.lines().find(|line| line.starts_with(&place));
        assert!(first.is_some_and(|first| first.contains(words)), "{told}");
        assert!(
            told.contains("\n        help: ") && told.contains(help),
            "{told}"
        );
        assert!(
            !told.contains("is fine") && !told.contains("at line"),
            "{told}"
        );
        let told = start(&config);
        assert!(told.contains(&place) && told.contains(words), "{told}");
        assert!(told.contains("help=") && told.contains(help), "{told}");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(server::execute(&url, tables).trim(), "0");
}

#[test]
fn a_variable_of_session_url_that_is_not_set_is_told_of_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let config = config_with(&directory, &format!("  postgres: \"{url}\""));
    let text = fs::read_to_string(&config).unwrap();
    let listener = "{ address: \"127.0.0.1:8000\" }";
    let line = text.lines().position(|line| line.contains(listener));
    let changed = text.replace(
        listener,
        "{ address: \"127.0.0.1:8000\", session_url: \"http://{NOT_SET}:8000\" }",
    );
    fs::write(&config, changed).unwrap();
    let place = format!("{config}:{}:47: `session_url` names", line.unwrap() + 1);
    let told = deep(&config);
    assert!(
        told.contains(&place) && told.contains("help: set the variable"),
        "{told}"
    );
    let told = start(&config);
    assert!(told.contains(&place), "{told}");
}

#[test]
fn fewer_connections_than_are_configured_are_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let rights = "GRANT CREATE ON SCHEMA public TO few; ALTER ROLE few CONNECTION LIMIT 3";
    let by_few = user(&url, "few", rights);
    let storage = |more: &str| format!("  postgres: {{ url: \"{by_few}\"{more} }}");
    let config = config_with(&directory, &storage(""));
    let told = deep(&config);
    assert!(told.contains("user few may have 3 connections"), "{told}");
    assert!(
        told.contains("`ALTER ROLE few CONNECTION LIMIT` at least 12"),
        "{told}"
    );
    let told = start(&config);
    assert!(told.contains("too many connections"), "{told}");
    assert!(told.contains("help=\"write fewer `connections`"), "{told}");
    let told = deep(&config_with(&directory, &storage(", connections: 3")));
    assert!(!told.contains("database"), "{told}");
}

#[test]
fn a_user_that_may_only_write_will_do_where_the_tables_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let of = |url: &str| format!("  postgres: {{ url: \"{url}\" }}");
    let config = config_with(&directory, &of(&url));
    let output = koukan(&["migrate", "--config", &config, "--apply"]);
    assert!(output.status.success());
    let by_writer = user(&url, "only_writer", "");
    let config = config_with(&directory, &of(&by_writer));
    let told = deep(&config);
    assert!(told.contains("permission denied for table"), "{told}");
    assert!(told.contains("help: give the user the rights"), "{told}");
    server::execute(
        &url,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO only_writer",
    );
    let revoke = "REVOKE DELETE ON transactions FROM only_writer";
    server::execute(&url, revoke);
    let told = deep(&config);
    let words = "may not read and write table transactions";
    assert!(told.contains(words), "{told}");
    assert!(
        told.contains("GRANT SELECT, INSERT, UPDATE, DELETE"),
        "{told}"
    );
    server::execute(&url, "GRANT DELETE ON transactions TO only_writer");
    let told = deep(&config);
    assert!(!told.contains("database"), "{told}");
    let output = koukan(&["migrate", "--config", &config, "--apply"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn the_password_may_be_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = server::Server::start_with_password_of("mail");
    let url = server.database();
    let rights = "ALTER ROLE mail PASSWORD 'secret'; GRANT CREATE ON SCHEMA public TO mail";
    let by_mail = user(&url, "mail", rights);
    let file = directory.path().join("password");
    let shown = file.display();
    let storage = format!("  postgres: {{ url: \"{by_mail}\", password_file: \"{shown}\" }}");
    let config = config_with(&directory, &storage);
    for (password, is_right) in [("other", false), ("secret\n", true)] {
        fs::write(&file, password).unwrap();
        let output = koukan(&["migrate", "--config", &config, "--apply"]);
        let told = text(&output.stderr);
        assert_eq!(output.status.success(), is_right, "{told}");
        assert!(
            is_right || told.contains("help: correct the password"),
            "{told}"
        );
    }
}

#[test]
fn what_goes_wrong_is_said_once_and_without_lines_of_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let url = server::database();
    let by_user = user(&url, "weak", "");
    let config = config_with(&directory, &format!("  postgres: {{ url: \"{by_user}\" }}"));
    let output = koukan(&["migrate", "--config", &config, "--apply"]);
    let told = text(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(told.matches("may not create tables").count(), 1, "{told}");
    assert!(
        told.contains("help: `GRANT CREATE ON SCHEMA public TO weak`"),
        "{told}"
    );
    let (server, _) = url.rsplit_once('/').unwrap();
    let absent = format!("  postgres: {{ url: \"{server}/absent\" }}");
    let config = config_with(&directory, &absent);
    let output = koukan(&["migrate", "--config", &config]);
    let told = text(&output.stderr);
    assert_eq!(told.matches("does not exist").count(), 1, "{told}");
    assert!(!told.contains("at line"), "{told}");
    assert!(told.contains("help: create the database"), "{told}");
}
