//! SMTPUTF8 and 8BITMIME are asked for where they are needed, not where they were mentioned.

use koukan_core::reply::Reply;
use koukan_smtp::SmtpEndpoint;
use rstest::rstest;

use super::{
    exchanges::ENVELOPE,
    net::Net,
    sending::{HOST, assert_own, hello, mail, progress_for, send_mail, start},
};
use koukan_core::service::MailService;
use koukan_core::transaction::Transaction;
use tower::ServiceExt;

const PLAIN: &str = "Subject: hi\r\n\r\nhi\r\n";
const BODY: &str = "Subject: hi\r\n\r\ngrüße\r\n";
const HEADER: &str = "Subject: grüße\r\n\r\nhi\r\n";

fn accepting(extensions: &str, parameters: &str, octets: usize) -> String {
    hello(extensions)
        + &format!(
            "C: MAIL FROM:<a@me.example>{parameters}
             C: RCPT TO:<b@mx.example>
             C: BDAT {octets} LAST
             READ {octets}
             S: 250 sender
             S: 250 b
             S: 250 queued\n"
        )
}

#[rstest]
#[case::not_needed("", "SMTPUTF8", PLAIN, "")]
#[case::not_needed_though_offered("SMTPUTF8 8BITMIME", "SMTPUTF8", PLAIN, "")]
#[case::in_the_body("8BITMIME", "SMTPUTF8 BODY=8BITMIME", BODY, " BODY=8BITMIME")]
#[case::in_the_header(
    "8BITMIME SMTPUTF8",
    "SMTPUTF8 BODY=8BITMIME",
    HEADER,
    " SMTPUTF8 BODY=8BITMIME"
)]
#[case::perhaps_in_a_part("8BITMIME SMTPUTF8", "SMTPUTF8", BODY, " SMTPUTF8 BODY=8BITMIME")]
#[case::not_asked_for("8BITMIME", "", HEADER, " BODY=8BITMIME")]
#[case::neither_asked_for_nor_offered("", "", HEADER, "")]
#[case::smtputf8_is_8bitmime_too("SMTPUTF8", "SMTPUTF8 BODY=8BITMIME", HEADER, " SMTPUTF8")]
#[tokio::test(start_paused = true)]
async fn what_is_there_decides(
    #[case] offered: &str,
    #[case] given: &str,
    #[case] message: &'static str,
    #[case] chosen: &str,
) {
    let extensions = format!("PIPELINING CHUNKING {offered}");
    let net = Net::new([accepting(&extensions, chosen, message.len())]);
    let replies = send_mail(&net.endpoint(), mail(given), &["b"], message).await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_header_in_utf8_does_not_go_to_a_server_without_smtputf8() {
    let net = Net::new([hello("PIPELINING CHUNKING 8BITMIME") + "EOF"]);
    let endpoint = net.endpoint();
    let replies = send_mail(&endpoint, mail("SMTPUTF8 BODY=8BITMIME"), &["b"], HEADER).await;
    assert_own(&replies[2], &Reply::utf8_not_supported(), HOST, "");
    drop(endpoint);
    net.done().await;
}

/// Gives SMTPUTF8 to every transaction.
fn with_smtputf8(endpoint: SmtpEndpoint) -> impl MailService {
    endpoint.map_request(|tx: Transaction| {
        tx.map_mail(|mut command| {
            *command.request_mut() = mail("SMTPUTF8");
            command
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_header_that_comes_late_is_watched() {
    for (second, is_sent) in [("\r\ngrüße\r\n", true), ("To: grüße\r\n\r\n", false)] {
        let opening = "C: DATA\nS: 354 go\nC: Subject: hi\n";
        let end = if is_sent {
            "C: \nC: grüße\nC: .\nS: 250 queued"
        } else {
            "ABORTED"
        };
        let net = Net::new([hello("PIPELINING 8BITMIME") + ENVELOPE + opening + end]);
        let endpoint = with_smtputf8(net.endpoint());
        let (mut driver, pending) = start(&endpoint);
        assert!(driver.wait(pending).await.is_positive());
        assert!(super::sending::add(&mut driver, "b").await.is_positive());
        driver.send("Subject: hi\r\n".into()).await.unwrap();
        progress_for(&mut driver, 1).await;
        driver.send(second.into()).await.unwrap();
        let reply = driver.finish().await.to_string();
        if is_sent {
            assert_eq!(reply, "250 queued");
        } else {
            assert_own(&reply, &Reply::utf8_not_supported(), HOST, "");
        }
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_needs_it_after_mail_went_without_is_for_another_transaction() {
    let net = Net::new([hello("PIPELINING SMTPUTF8")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           C: RSET
           S: 250 reset"]);
    let endpoint = net.endpoint();
    let (mut driver, pending) = start(&endpoint);
    assert!(driver.wait(pending).await.is_positive());
    let reply = super::sending::add(&mut driver, "ü").await;
    assert!(reply.to_string().starts_with("451 4.5.3 "), "{reply}");
    drop(driver);
    endpoint.close().await;
}
