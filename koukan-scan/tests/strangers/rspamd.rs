use std::{fs, os::unix::fs::PermissionsExt};

use koukan_scan::{ScanResult, rspamd::Rspamd};
use tempfile::TempDir;

use super::{
    scanner::{Process, free_address, is_listening},
    *,
};

/// A test message that rspamd recognises without rules.
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

async fn start() -> (Process, TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    // rspamd may run as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let shown = folder.path().display();
    let address = free_address();
    let text = format!(
        r#"options {{
  url_tld = "{shown}/tlds";
  temp_dir = "{shown}"; hs_cache_dir = "{shown}"; pidfile = "{shown}/pid";
  control_socket = "{shown}/control mode=0600";
  filters = []; dns {{ nameserver = ["127.0.0.1:1"]; }}
}}
logging {{ type = "console"; level = "error"; }}
worker "normal" {{ bind_socket = "{address}"; count = 1; }}
metric {{ name = "default"; actions {{ reject = 15; add_header = 6; greylist = 4; }} }}
"#
    );
    // Its own list of top-level domains takes long to read.
    fs::write(folder.path().join("tlds"), "com\norg\n").unwrap();
    let config = folder.path().join("rspamd.conf");
    fs::write(&config, text).unwrap();
    let said = folder.path().join("said");
    let config = config.display().to_string();
    let mut process = Process::start("/usr/bin/rspamd", &["-f", "-i", "-c", &config], &said);
    process.await_that(&said, || is_listening(&address)).await;
    (process, folder, address)
}

#[tokio::test]
async fn rspamd_tells_spam() {
    let (_process, _folder, address) = start().await;
    let server = server(&address);
    let message = |text: &str| format!("From: a@example.com\r\nSubject: hi\r\n\r\n{text}\r\n");
    let long = message(&"a line of text\r\n".repeat(10_000));
    let (finding, reply) = found(&Rspamd, &server, &long).await;
    assert_eq!(finding.result, ScanResult::Clean);
    assert_eq!(finding.action.as_deref(), Some("no action"));
    assert_eq!(reply, Reply::message_accepted());
    let (finding, reply) = found(&Rspamd, &server, &message(GTUBE)).await;
    assert_eq!(finding.result, ScanResult::Spam);
    assert_eq!(finding.action.as_deref(), Some("reject"));
    assert_eq!((finding.score, finding.threshold), (Some(15.0), Some(15.0)));
    assert_eq!(finding.symbols, ["GTUBE"]);
    assert_eq!(reply, Reply::spam());
}

#[tokio::test]
async fn rspamd_hangs_dies_amid_a_message_and_is_gone() {
    let (process, _folder, address) = start().await;
    fails(&Rspamd, process, &address).await;
}
