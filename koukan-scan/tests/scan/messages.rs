//! Messages of all kinds, and which of their octets a scanner sees.

use koukan_core::{
    test_util::{Answer, context_from},
    transaction::Driver,
};
use koukan_scan::{
    Unscanned,
    rspamd::{Rspamd, RspamdFinding},
};

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_not_shown() {
    let clamd = Clamd::that(Manner::Says("stream: OK\0"));
    let size = MESSAGE.len() as u64;
    let large = || clamd.layer(limits()).with_max_size(size - 1);
    let (reply, _) = sent(large().layer(Script::new()), MESSAGE).await;
    assert_eq!(reply.to_string(), "552 5.3.4 message too big to be scanned");
    let upstream = Script::new();
    let (reply, _) = sent(large().passing_large().layer(upstream.clone()), MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    assert_eq!(finding(&upstream), Finding::unscanned(Unscanned::TooLarge));
    assert_eq!(clamd.connections(), 0);
    let fits = clamd.layer(limits()).with_max_size(size);
    let (reply, _) = sent(fits.layer(Script::new()), MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_wants_no_more_of_a_message_says_nothing_against_itself() {
    let said = "INSTREAM size limit exceeded. ERROR\0";
    let clamd = Clamd::that(Manner::HangsUp(100, said));
    let mut once = limits();
    once.failures = 1;
    let service = clamd.layer(once).layer(Script::new());
    let message = "a".repeat(300 << 10);
    for asked in 1..=3 {
        let (reply, _) = sent(service.clone(), &message).await;
        assert_eq!(reply.to_string(), "552 5.3.4 message too big to be scanned");
        assert_eq!(clamd.connections(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_keeps_no_scanner_waiting() {
    let clamd = Clamd::that(Manner::Says("stream: OK\0"));
    let mut one = limits();
    one.at_a_time = 1;
    let service = clamd.layer(one).layer(Script::new());
    let (mut slow, _) = Driver::start(
        service.clone(),
        koukan_core::test_util::context(),
        mail("a@x"),
    );
    let reply = slow.start_rcpt(rcpt("b@y"));
    slow.wait(reply).await;
    slow.data();
    slow.send("Subject: slow\r\n".into()).await.unwrap();
    let (reply, took) = sent(service, MESSAGE).await;
    assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    assert_eq!(clamd.connections(), 1);
    slow.send("\r\nhi\r\n".into()).await.unwrap();
    assert_eq!(slow.finish().await, Reply::message_accepted());
    assert_eq!(clamd.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_its_client_breaks_off_tells_nothing_of_the_scanner() {
    let clamd = Clamd::that(Manner::Says("stream: OK\0"));
    let service = clamd.layer(limits()).layer(Script::new());
    let (mut driver, _) = Driver::start(service, koukan_core::test_util::context(), mail("a@x"));
    let reply = driver.start_rcpt(rcpt("b@y"));
    driver.wait(reply).await;
    driver.data();
    driver.send("Subject: half\r\n".into()).await.unwrap();
    drop(driver);
    assert_eq!(clamd.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn rspamd_is_told_who_sends_a_message_and_to_whom_it_goes() {
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    let connector = ScriptedConnector::new(move |_, mut io| {
        let tell = tell.clone();
        tokio::spawn(async move {
            let mut asked = Vec::new();
            while !asked.ends_with(b"hello\r\n") {
                io.read_buf(&mut asked).await.unwrap();
            }
            let json = r#"{"action":"soft reject","score":1.5,"required_score":15}"#;
            let length = json.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            io.write_all((head + json).as_bytes()).await.unwrap();
            tell.send(String::from_utf8(asked).unwrap()).await.unwrap();
            std::future::pending::<()>().await;
        });
    });
    let resolver = ScriptedResolver::new();
    let server = Server::new("192.0.2.1:11333".parse().unwrap())
        .with_network(Arc::new(connector), Arc::new(resolver));
    let upstream = Script::new().rcpt("no@y", Answer::from(Reply::no_such_user()));
    let service = ScanLayer::new(Rspamd, server.clone()).layer(upstream.clone());
    let context = Arc::new(context_from("198.51.100.7:2525", "mail.example.com"));
    let (mut driver, _) = Driver::start(service, context, mail("alice@x"));
    for to in ["bob@y", "no@y", "carol@y"] {
        let reply = driver.start_rcpt(rcpt(to));
        driver.wait(reply).await;
    }
    driver.data();
    driver.send(MESSAGE.into()).await.unwrap();
    // The deferral that rspamd asked for.
    assert_eq!(driver.finish().await, Reply::policy_deferred());
    let asked = told.recv().await.unwrap();
    let (head, content) = asked.split_once("\r\n\r\n").unwrap();
    assert_eq!(content, MESSAGE);
    let fields: Vec<_> = head.lines().skip(1).collect();
    assert!(head.starts_with("POST /checkv2 HTTP/1.1\r\n"), "{head}");
    for field in [
        "host: rspamd",
        "content-length: 22",
        "from: alice@x",
        "rcpt: bob@y",
        "rcpt: carol@y",
        "ip: 198.51.100.7",
        "helo: mail.example.com",
    ] {
        assert!(fields.contains(&field), "{field} is not in\n{head}");
    }
    assert!(!head.contains("no@y"), "{head}");

    // A rule may decide otherwise.
    let service = ScanLayer::new(Rspamd, server)
        .without_refusal()
        .layer(upstream.clone());
    let (reply, _) = sent(service, MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    let last = upstream.received().pop().unwrap();
    let found: RspamdFinding = last.signals.find_durable().unwrap().unwrap();
    assert_eq!(found.0.action.as_deref(), Some("soft reject"));
}
