//! `koukan backup` and `koukan forget`.

use super::*;

#[tokio::test]
async fn a_database_is_copied_and_an_address_forgotten() {
    use koukan_storage::SqliteBackend;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let (config, copy) = (at("koukan.yaml"), at("copy.sqlite"));
    let local = include_str!("../../../config/local/koukan.yaml");
    let database = at("queue.sqlite");
    let storage = local.lines().find(|line| line.contains("sqlite:")).unwrap();
    let ours = local.replace(storage, &format!("  sqlite: {database}"));
    fs::write(&config, ours).unwrap();
    let run = |arguments: &[&str]| {
        let output = koukan(&[&arguments[..1], &["--config", &config], &arguments[1..]].concat());
        let printed = text(&output.stdout) + &text(&output.stderr);
        (output.status.success(), printed)
    };
    let (is_done, told) = run(&["backup", &copy]);
    assert!(!is_done && told.contains("there is no database"), "{told}");
    let agent = SqliteBackend::open(&database).await.unwrap();
    let (is_done, told) = run(&["backup", &copy]);
    assert!(
        is_done && told.contains("0 messages that are still to be"),
        "{told}"
    );
    let (is_done, told) = run(&["backup", &copy]);
    assert!(
        !is_done && told.contains("name a file that does not"),
        "{told}"
    );
    let (is_done, told) = run(&["forget", "bob@example.com"]);
    assert!(
        is_done && told.contains("nothing is kept of bob@example.com"),
        "{told}"
    );
    let (is_done, told) = run(&["forget", "--erase", "bob@example.com"]);
    assert!(
        !is_done && told.contains("in use by another process"),
        "{told}"
    );
    let (is_done, told) = run(&["forget", "example.com"]);
    assert!(!is_done && told.contains("not an address, as in"), "{told}");
    agent.close().await;
    // A process that another test is starting holds the lock until it executes its own program.
    let is_free = |(_, told): &(bool, String)| !told.contains("in use by another process");
    let mut erased = (0..100).map(|_| run(&["forget", "--erase", "bob@example.com"]));
    let (is_done, told) = erased.find(is_free).unwrap();
    assert!(is_done, "{told}");
    fs::write(&config, local.replace(storage, "  memory: true")).unwrap();
    let (is_done, told) = run(&["backup", &at("other")]);
    assert!(!is_done && told.contains("has no database"), "{told}");
}
