use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use koukan_core::test_util::Authority;
use koukan_scan::{ScanResult, spamassassin::SpamAssassin};
use tempfile::TempDir;

use super::{
    scanner::{Process, free_address, is_listening},
    *,
};

/// The text that the only rule finds.
const SPAM: &str = "koukan-spam-of-a-test";

async fn start() -> (Process, TempDir, String) {
    start_with(|_| Vec::new()).await
}

/// Starts it with more arguments, for which files can be put into its folder.
async fn start_with(more: impl FnOnce(&Path) -> Vec<String>) -> (Process, TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    // spamd's children run as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let shown = folder.path().display().to_string();
    let address = free_address();
    let port = address.rsplit_once(':').unwrap().1;
    let rules = format!(
        "required_score 5\nuse_bayes 0\nutil_rb_tld example\nbody KOUKAN_TEST /{SPAM}/\n\
         score KOUKAN_TEST 7.5\ndescribe KOUKAN_TEST a test\n"
    );
    fs::write(folder.path().join("rules.cf"), rules).unwrap();
    fs::create_dir(folder.path().join("site")).unwrap();
    let plugin = "loadplugin Mail::SpamAssassin::Plugin::Check\n";
    fs::write(folder.path().join("site/check.pre"), plugin).unwrap();
    let said = folder.path().join("said");
    let (rules, site) = (
        format!("--configpath={shown}"),
        format!("--siteconfigpath={shown}/site"),
    );
    let more = more(folder.path());
    let mut arguments = vec![
        "-L",
        "-x",
        "-u",
        "nobody",
        "-i",
        "127.0.0.1",
        "-p",
        port,
        "-m",
        "1",
        "-s",
        "stderr",
        &rules,
        &site,
    ];
    arguments.extend(more.iter().map(String::as_str));
    let mut process = Process::start("/usr/sbin/spamd", &arguments, &said);
    process.await_that(&said, || is_listening(&address)).await;
    (process, folder, address)
}

#[tokio::test]
async fn spamd_tells_spam() {
    let (_process, _folder, address) = start().await;
    let server = server(&address);
    let scanner = SpamAssassin::default().with_user("nobody");
    let clean = "Subject: hi\r\n\r\nhello\r\n";
    let (finding, reply) = found(&scanner, &server, clean).await;
    assert_eq!(
        finding,
        Finding::new(ScanResult::Clean).with_score(0.0, 5.0)
    );
    assert_eq!(reply, Reply::message_accepted());
    let long = "a line of text\r\n".repeat(10_000);
    let spam = format!("Subject: hi\r\n\r\n{SPAM}\r\n{long}");
    let (finding, reply) = found(&scanner, &server, &spam).await;
    let expected = Finding::new(ScanResult::Spam).with_score(7.5, 5.0);
    assert_eq!(finding, expected.with_symbols(["KOUKAN_TEST"]));
    assert_eq!(reply, Reply::spam());
}

#[tokio::test]
async fn spamd_is_spoken_to_by_tls() {
    let authority = Authority::new();
    let pem = authority.issue("localhost");
    let (_process, _folder, address) = start_with(|folder| {
        let files = [("cert.pem", &pem.certificate), ("key.pem", &pem.key)];
        let [cert, key] = files.map(|(name, text)| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        });
        vec![
            "--ssl".into(),
            format!("--server-cert={cert}"),
            format!("--server-key={key}"),
        ]
    })
    .await;
    let scanner = SpamAssassin::default();
    let server = |client| server(&address).with_tls(client, Some("localhost"));
    let spam = format!("Subject: hi\r\n\r\n{SPAM}\r\n");
    let (finding, reply) = found(&scanner, &server(authority.client()), &spam).await;
    assert_eq!(finding.result, ScanResult::Spam);
    assert_eq!(reply, Reply::spam());
    // A server with a certificate of another authority is shown nothing.
    let other = ScanLayer::new(scanner, server(Authority::new().client()));
    let refused = sent(other.layer(Script::new()), &spam).await;
    assert_eq!(refused, Reply::scanner_unavailable());
}

#[tokio::test]
async fn spamd_hangs_dies_amid_a_message_and_is_gone() {
    let (process, _folder, address) = start().await;
    fails(&SpamAssassin::default(), process, &address).await;
}
