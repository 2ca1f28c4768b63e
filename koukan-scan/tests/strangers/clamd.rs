use std::{fs, os::unix::net::UnixStream};

use koukan_scan::{ScanResult, clamav::Clamav};
use tempfile::TempDir;

use super::{
    scanner::{Process, free_address, is_listening},
    *,
};

/// The content that its only signature finds.
const VIRUS: &str = "koukan-virus-of-a-test";

async fn start() -> (Process, TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    let address = free_address();
    let port = address.rsplit_once(':').unwrap().1;
    let hex: String = VIRUS.bytes().map(|octet| format!("{octet:02x}")).collect();
    let database = folder.path().join("db");
    fs::create_dir(&database).unwrap();
    fs::write(
        database.join("test.ndb"),
        format!("Koukan.Test:0:*:{hex}\n"),
    )
    .unwrap();
    let config = folder.path().join("clamd.conf");
    let text = format!(
        "Foreground yes\nDatabaseDirectory {shown}/db\nTemporaryDirectory {shown}\n\
         LocalSocket {shown}/clamd.ctl\nTCPSocket {port}\nTCPAddr 127.0.0.1\nStreamMaxLength 20M\n"
    );
    fs::write(&config, text).unwrap();
    let said = folder.path().join("said");
    let config = config.display().to_string();
    let mut process = Process::start("/usr/sbin/clamd", &["--config-file", &config], &said);
    let socket = folder.path().join("clamd.ctl");
    let is_there = || is_listening(&address) && UnixStream::connect(&socket).is_ok();
    process.await_that(&said, is_there).await;
    (process, folder, address)
}

#[tokio::test]
async fn clamd_finds_what_is_infected_over_tcp_and_over_a_unix_socket() {
    let (_process, folder, address) = start().await;
    let unix = format!("unix:{}/clamd.ctl", folder.path().display());
    for address in [address, unix] {
        let server = server(&address);
        let clean = "Subject: hi\r\n\r\nhello\r\n";
        let (finding, reply) = found(&Clamav, &server, clean).await;
        assert_eq!(finding, Finding::new(ScanResult::Clean));
        assert_eq!(reply, Reply::message_accepted());
        let long = "a line of text\r\n".repeat(100_000);
        let infected = format!("Subject: hi\r\n\r\n{long}{VIRUS}\r\n{long}");
        let (finding, reply) = found(&Clamav, &server, &infected).await;
        assert_eq!(finding.result, ScanResult::Infected);
        assert_eq!(finding.symbols, ["Koukan.Test.UNOFFICIAL"]);
        let told = "550 5.7.1 message is infected (Koukan.Test.UNOFFICIAL)";
        assert_eq!(reply.to_string(), told);
    }
}

#[tokio::test]
async fn a_message_larger_than_clamd_takes_is_refused_for_good() {
    let (_process, _folder, address) = start().await;
    let large = "a line of text\r\n".repeat((21 << 20) / 16);
    let service = ScanLayer::new(Clamav, server(&address)).layer(Script::new());
    let reply = sent(service, &large).await;
    assert_eq!(reply.to_string(), "552 5.3.4 message too big to be scanned");
}

#[tokio::test]
async fn clamd_hangs_dies_amid_a_message_and_is_gone() {
    let (process, _folder, address) = start().await;
    fails(&Clamav, process, &address).await;
}
