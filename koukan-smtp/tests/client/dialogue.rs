//! A failure carries the dialogue with the host.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    reply::{Dialogue, DialogueLines, Recording, Reply, Speaker},
    service::MailService,
    test_util::{ScriptedConnector, ScriptedResolver},
    transaction::{Driver, Mail},
};
use koukan_smtp::{
    Protocol,
    client::{ClientSettings, Login, SmtpEndpoint},
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use super::{
    exchanges::{ENVELOPE, MESSAGE},
    net::Net,
    sending::{context, hello, mail, rcpt},
};

const MAIL: &str = "C: MAIL FROM:<a@me.example>\n";
const RCPT: &str = "S: 250 sender\nC: RCPT TO:<b@mx.example>\n";
const DATA: &str = "S: 250 b\nC: DATA\n";
const END: &str = "S: 354 go\nC: secret words\nC: .\n";

/// All replies to a message whose body is complete from the start.
async fn replies(endpoint: &impl MailService, names: &[&str], body: &'static str) -> Vec<Reply> {
    replies_to(endpoint, mail(""), names, body).await
}

async fn replies_to(
    endpoint: &impl MailService,
    mail: Mail,
    names: &[&str],
    body: &'static str,
) -> Vec<Reply> {
    let (mut driver, pending) = Driver::start(endpoint.clone(), context(), mail);
    let mut waiting = vec![pending];
    for name in names {
        waiting.push(driver.rcpt(rcpt(name)).await);
    }
    driver.whole_body(bytes::Bytes::from_static(body.as_bytes()).into());
    let last = driver.finish().await;
    let mut replies = Vec::new();
    for mut pending in waiting {
        replies.push(driver.wait(&mut pending).await);
    }
    replies.push(last);
    replies
}

/// The dialogue of the last reply that has one.
fn told(replies: &[Reply]) -> Option<Arc<Dialogue>> {
    let recording = |reply: &Reply| reply.extensions().get::<Recording>()?.dialogue();
    replies.iter().rev().find_map(recording)
}

fn line(said: &DialogueLines) -> String {
    let mark = match said.by {
        Speaker::Client => ">",
        Speaker::Server => "<",
        Speaker::Nobody => "*",
    };
    format!("{mark} {}", said.text)
}

fn lines(replies: &[Reply]) -> Vec<String> {
    let dialogue = told(replies).expect("it is told");
    dialogue.said.iter().map(line).collect()
}

/// The dialogue before a transaction.
const GREETED: [&str; 4] = [
    "* connected",
    "< 220 mx.example ESMTP",
    "> EHLO me.example",
    "< 250 HELP",
];
/// The dialogue of a transaction that is refused.
const SAID: [&str; 7] = [
    "> MAIL FROM:<a@me.example>",
    "< 250 sender",
    "> RCPT TO:<b@mx.example>",
    "< 250 b",
    "> DATA",
    "< 354 go",
    "< 554 5.7.1 no",
];

#[tokio::test(start_paused = true)]
async fn a_refusal_in_each_phase_is_told_with_what_came_before() {
    let script = |phases: &[&str]| hello("") + &phases.concat() + "S: 554 5.7.1 no\n";
    for (phases, said) in [
        (&[MAIL][..], 1),
        (&[MAIL, RCPT], 3),
        (&[MAIL, RCPT, DATA], 5),
        (&[MAIL, RCPT, DATA, END], 6),
    ] {
        let net = Net::new([script(phases)]);
        let replies = replies(&net.endpoint(), &["b"], "secret words\r\n").await;
        let mut expected: Vec<_> = GREETED.iter().chain(&SAID[..said]).copied().collect();
        expected.push(SAID[6]);
        assert_eq!(lines(&replies), expected);
    }
    let net = Net::new(["S: 554 5.7.1 no\nC: QUIT\n".to_owned()]);
    let replies = replies(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(lines(&replies), ["* connected", "< 554 5.7.1 no"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_or_silent_is_told_as_well() {
    for end in ["CLOSE", "PAUSE 900"] {
        let net = Net::new([hello("") + MAIL + RCPT + end]);
        let replies = replies(&net.endpoint(), &["b"], "hi\r\n").await;
        let expected: Vec<_> = GREETED.iter().chain(&SAID[..3]).copied().collect();
        assert_eq!(lines(&replies), expected, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_with_what_is_delivered_and_each_transaction_has_its_own() {
    let first = hello("") + ENVELOPE + MESSAGE;
    let net = Net::new([first + MAIL + RCPT + "S: 550 5.1.1 no b\n"]);
    let endpoint = net.endpoint();
    let delivered = replies(&endpoint, &["b"], "hi\r\n").await;
    assert!(delivered[2].is_positive() && told(&delivered).is_none());
    let refused = replies(&endpoint, &["b"], "hi\r\n").await;
    let expected = [SAID[0], SAID[1], SAID[2], "< 550 5.1.1 no b"];
    assert_eq!(lines(&refused), expected);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_for_others_is_not_told_of_a_message_that_cannot_go() {
    let net = Net::new([hello("") + ENVELOPE + MESSAGE + "PAUSE 10\n"]);
    let endpoint = net.endpoint();
    let delivered = replies(&endpoint, &["b"], "hi\r\n").await;
    assert!(delivered[2].is_positive());
    let refused = replies_to(&endpoint, mail("BODY=BINARYMIME"), &["c"], "hi\r\n").await;
    assert!(
        refused[2].to_string().starts_with("554 5.6.1 "),
        "{refused:?}"
    );
    assert_eq!(lines(&refused), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn each_line_has_its_time() {
    let script = hello("") + MAIL + "PAUSE 3\n" + RCPT + "PAUSE 7\nS: 554 5.7.1 no\n";
    let net = Net::new([script]);
    let replies = replies(&net.endpoint(), &["b"], "hi\r\n").await;
    let dialogue = told(&replies).unwrap();
    let start = dialogue.said[4].at;
    let times = dialogue.said[4..]
        .iter()
        .map(|said| (said.at - start).as_secs());
    assert_eq!(Vec::from_iter(times), [0, 3, 3, 10]);
    assert!(dialogue.said[0].at <= start && start.elapsed() < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn all_refusals_share_one_that_is_whole_at_the_end() {
    let script = hello("PIPELINING CHUNKING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           C: RCPT TO:<d@mx.example>
           C: BDAT 4 LAST
           C: hi
           S: 250 sender
           S: 550 5.1.1 no b
           S: 250 c
           S: 450 4.2.1 no d
           S: 250 queued
";
    let net = Net::new([script]);
    let replies = replies(&net.endpoint(), &["b", "c", "d"], "hi\r\n").await;
    assert!(replies[4].is_positive());
    let lines = lines(&replies);
    let sent = "> MAIL FROM:<a@me.example>\nRCPT TO:<b@mx.example>\nRCPT TO:<c@mx.example>\n\
                RCPT TO:<d@mx.example>";
    let heard = "< 250 sender\n550 5.1.1 no b\n250 c\n450 4.2.1 no d\n250 queued";
    assert_eq!(lines[4..], [sent, "> BDAT 4 LAST", heard]);
    let [first, second] = [1, 3].map(|index| told(&replies[index..=index]).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert!(told(&replies[2..3]).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_replies_of_lmtp_are_told_as_well() {
    let script = hello("PIPELINING").replace("C: EHLO", "C: LHLO")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           C: DATA
           S: 250 sender
           S: 250 b
           S: 250 c
           S: 354 go
           C: hi
           C: .
           S: 250 2.1.5 b has it
           S: 452 4.2.2 c is full
";
    let net = Net::new([script]);
    let endpoint = net.endpoint_with(|settings| settings.with_protocol(Protocol::Lmtp));
    let replies = replies(&endpoint, &["b", "c"], "hi\r\n").await;
    let own = replies[3].for_recipient(1);
    let lines = lines(std::slice::from_ref(own));
    assert_eq!(
        lines.last().unwrap(),
        "< 250 2.1.5 b has it\n452 4.2.2 c is full"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_said_without_end_or_is_no_text_is_cut_and_escaped() {
    let endless = format!("RAW {}\n", "x".repeat(200_000));
    for odd in [
        endless.as_str(),
        "S: \u{1b}[2J\u{202e}550\n",
        "S: 999 \0 what\n",
        "S: 550 5.1.1 \u{7f}no\n",
    ] {
        let net = Net::new([hello("") + MAIL + RCPT + odd]);
        let replies = replies(&net.endpoint(), &["b"], "hi\r\n").await;
        let dialogue = told(&replies).unwrap_or_else(|| panic!("{odd:.20} is told"));
        assert!(dialogue.len() <= 32 * 1024, "{odd:.20}");
        let is_plain =
            |said: &DialogueLines| said.text.chars().all(|c| !c.is_control() || c == '\n');
        assert!(dialogue.said.iter().all(is_plain), "{dialogue:?}");
        let last = dialogue.said.last().unwrap();
        assert_eq!(last.by, Speaker::Server);
        assert!(
            ["x", "\\x"].iter().any(|part| last.text.contains(part)),
            "{last:?}"
        );
        assert_eq!(dialogue.left_out > 0, odd.len() > 1000);
    }
}

/// Asks for one response after the other, then refuses, and repeats all that it was sent.
async fn listen(io: DuplexStream, mechanism: &str, heard: Arc<Mutex<Vec<String>>>) {
    let mut io = BufReader::new(io);
    io.write_all(b"220 mx.example\r\n").await.unwrap();
    let mut line = String::new();
    while io.read_line(&mut line).await.is_ok_and(|octets| octets > 0) {
        let said = line.trim_end();
        let reply = match said.get(..4) {
            Some("EHLO") => format!("250-mx.example\r\n250 AUTH {mechanism}\r\n"),
            Some("QUIT") => "221 bye\r\n".to_owned(),
            _ => {
                let token = said.rsplit(' ').next().unwrap();
                let mut heard = heard.lock().unwrap();
                if token != mechanism {
                    heard.push(token.to_owned());
                }
                let asked = if mechanism == "LOGIN" { 2 } else { 1 };
                match heard.len() < asked {
                    true => "334 \r\n".to_owned(),
                    false => format!("535 5.7.8 no: {}\r\n", heard.join(" ")),
                }
            }
        };
        let _ = io.write_all(reply.as_bytes()).await;
        line.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_by_which_we_say_who_we_are_is_told() {
    let password = Login::with_password("alice", "open sesame").in_clear();
    let token = Login::with_token("alice", "open sesame").in_clear();
    let long = Login::with_token("alice", "open sesame".repeat(100)).in_clear();
    for (mechanism, login) in [
        ("PLAIN", &password),
        ("LOGIN", &password),
        ("SCRAM-SHA-256", &password),
        ("OAUTHBEARER", &token),
        ("OAUTHBEARER", &long),
    ] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let tokens = Arc::clone(&heard);
        let connector = ScriptedConnector::new(move |_, io| {
            tokio::spawn(listen(io, mechanism, Arc::clone(&heard)));
        });
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts(["192.0.2.1:25".parse().unwrap()]);
        let settings = settings.with_login(login.clone());
        let resolver = Arc::new(ScriptedResolver::new());
        let endpoint = SmtpEndpoint::with_network(settings, Arc::new(connector), resolver);
        let replies = replies(&endpoint, &["b"], "hi\r\n").await;
        let dialogue = lines(&replies).join("\n");
        assert!(
            dialogue.contains(&format!("* AUTH {mechanism}")),
            "{dialogue}"
        );
        assert!(dialogue.contains("535 5.7.8"), "{dialogue}");
        let tokens = tokens.lock().unwrap();
        assert!(!tokens.is_empty());
        for secret in tokens.iter().map(String::as_str).chain(["open sesame"]) {
            assert!(
                !dialogue.contains(secret),
                "{mechanism}: {secret} in {dialogue}"
            );
            for reply in &replies {
                assert!(
                    !reply.text().contains(secret),
                    "{mechanism}: {secret} in {reply}"
                );
            }
        }
    }
}
