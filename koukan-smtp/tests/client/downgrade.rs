//! What hosts do not take is encoded for them, where that is asked for.

use koukan_core::{message::downgrade::Signatures, reply::Reply, transaction::Driver};
use koukan_smtp::SmtpEndpoint;
use rstest::rstest;

use super::{
    exchanges::ENVELOPE,
    net::Net,
    sending::{HOST, assert_own, context, hello, mail, progress_for, rcpt, send_mail},
};

const TEXT: &str = "Content-Transfer-Encoding: 8bit\r\nMIME-Version: 1.0\r\n\
                    Content-Type: text/plain; charset=utf-8\r\n\r\ngrün\r\n";
const BINARY: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
                      Content-Transfer-Encoding: binary\r\n\r\n\
                      --b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nü\r\n\
                      --b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\nü\r\n--b--\r\n";

/// What a server without 8BITMIME gets of the text.
const QUOTED: &str = "C: Content-Transfer-Encoding: quoted-printable
                      C: MIME-Version: 1.0
                      C: Content-Type: text/plain; charset=utf-8
                      C:\u{20}
                      C: gr=C3=BCn\n";

fn endpoint(net: &Net) -> SmtpEndpoint {
    net.endpoint_with(|settings| settings.with_downgrade(Signatures::Keep))
}

#[tokio::test(start_paused = true)]
async fn a_server_without_8bitmime_gets_ascii_and_no_size() {
    let data = ENVELOPE.to_owned() + "C: DATA\nS: 354 go\n" + QUOTED + "C: .\nS: 250 queued\n";
    let block = "C: MAIL FROM:<a@me.example>
                 C: RCPT TO:<b@mx.example>
                 C: BDAT 118 LAST\n"
        .to_owned()
        + QUOTED
        + "S: 250 sender\nS: 250 b\nS: 250 queued\n";
    for (extensions, script) in [
        ("PIPELINING SIZE_1000", &data),
        ("PIPELINING SIZE_1000 CHUNKING", &block),
    ] {
        let net = Net::new([hello(extensions) + script]);
        let endpoint = endpoint(&net);
        let (mut driver, pending) =
            Driver::start(endpoint.clone(), context(), mail("BODY=8BITMIME"));
        let rcpt = driver.rcpt(rcpt("b")).await;
        if extensions.contains("CHUNKING") {
            driver.whole_body(bytes::Bytes::from(TEXT).into());
        } else {
            assert!(driver.wait(pending).await.is_positive());
            assert!(driver.wait(rcpt).await.is_positive());
            for chunk in TEXT.as_bytes().chunks(7) {
                driver.send(chunk.to_vec().into()).await.unwrap();
            }
        }
        assert_eq!(driver.finish().await.to_string(), "250 queued");
        drop((driver, endpoint));
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn blocks_are_as_long_as_what_is_in_them() {
    let net = Net::new([hello("PIPELINING CHUNKING")
        + ENVELOPE
        + "QUIET
           C: BDAT 116
           READ 116
           S: 250 go on
           C: BDAT 8 LAST
           C:\u{20}
           READ 6
           S: 250 queued"]);
    let endpoint = endpoint(&net);
    let (mut driver, pending) = Driver::start(endpoint.clone(), context(), mail("BODY=8BITMIME"));
    assert!(driver.wait(pending).await.is_positive());
    let rcpt = driver.rcpt(rcpt("b")).await;
    assert!(driver.wait(rcpt).await.is_positive());
    let (header, _) = TEXT.split_at(TEXT.len() - "grün\r\n".len());
    driver.send(header.into()).await.unwrap();
    progress_for(&mut driver, 2).await;
    driver.send("ü\r\nx\r\n".into()).await.unwrap();
    progress_for(&mut driver, 2).await;
    driver.send("ü".into()).await.unwrap();
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    net.done().await;
}

#[rstest]
#[case::to_8bitmime("8BITMIME CHUNKING", " BODY=8BITMIME", &["8bit", "8bit", "ü", "base64", "AArDvA=="])]
#[case::to_8bitmime_by_data("8BITMIME", " BODY=8BITMIME", &["8bit", "8bit", "ü", "base64", "AArDvA=="])]
#[case::to_ascii("CHUNKING", "", &["7bit", "quoted-printable", "=C3=BC", "base64", "AArDvA=="])]
#[tokio::test(start_paused = true)]
async fn what_is_binary_goes_to_servers_that_take_lines(
    #[case] offered: &str,
    #[case] parameters: &str,
    #[case] parts: &[&str],
) {
    let [whole, first, text, second, other] = parts else {
        panic!("five of them");
    };
    let lines = [
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=b",
        &format!("Content-Transfer-Encoding: {whole}"),
        "",
        "--b",
        &format!("Content-Transfer-Encoding: {first}"),
        "",
        text,
        "--b",
        "Content-Type: a/b",
        &format!("Content-Transfer-Encoding: {second}"),
        "",
        other,
        "--b--",
    ];
    let octets: usize = lines.iter().map(|line| line.len() + 2).sum();
    let content: String = lines.iter().map(|line| format!("C: {line}\n")).collect();
    let envelope = format!("C: MAIL FROM:<a@me.example>{parameters}\nC: RCPT TO:<b@mx.example>\n");
    let script = match offered.contains("CHUNKING") {
        true => format!(
            "{envelope}C: BDAT {octets} LAST\n{content}S: 250 sender\nS: 250 b\nS: 250 queued\n"
        ),
        false => format!(
            "{envelope}C: DATA\nS: 250 sender\nS: 250 b\nS: 354 go\n{content}C: .\nS: 250 queued\n"
        ),
    };
    let net = Net::new([hello(&format!("PIPELINING {offered}")) + &script]);
    let replies = send_mail(&endpoint(&net), mail("BODY=BINARYMIME"), &["b"], BINARY).await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_does_not_go_and_costs_no_connection() {
    let signed = format!("DKIM-Signature: v=1\r\n{TEXT}");
    let header = "Subject: grün\r\n\r\nhi\r\n".to_owned();
    for (offered, given, message, reply) in [
        (
            "",
            "BODY=8BITMIME",
            &signed,
            Reply::eight_bit_not_supported(),
        ),
        (
            "",
            "BODY=8BITMIME",
            &header,
            Reply::eight_bit_not_supported(),
        ),
        ("", "SMTPUTF8", &header, Reply::utf8_not_supported()),
        (
            "",
            "BODY=BINARYMIME",
            &signed,
            Reply::binary_not_supported(),
        ),
        (
            "8BITMIME",
            "BODY=BINARYMIME",
            &"X: y\nz\r\n\r\nhi\r\n".to_owned(),
            Reply::binary_not_supported(),
        ),
    ] {
        let net = Net::new([hello(&format!("PIPELINING {offered}")) + "EOF"]);
        let endpoint = endpoint(&net);
        let replies = send_mail(&endpoint, mail(given), &["b"], message.clone()).await;
        assert_own(&replies[2], &reply, HOST, "");
        drop(endpoint);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_server_gets_the_message_from_its_beginning() {
    let closing = hello("PIPELINING CHUNKING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: BDAT 118 LAST\n"
        + QUOTED
        + "CLOSE";
    let taking = hello("PIPELINING 8BITMIME")
        + &ENVELOPE.replace("me.example>", "me.example> BODY=8BITMIME")
        + "C: DATA\nS: 354 go\n"
        + &QUOTED
            .replace("quoted-printable", "8bit")
            .replace("=C3=BC", "ü")
        + "C: .\nS: 250 queued";
    let net = Net::new([closing, taking]);
    let endpoint = net.endpoint_with(|settings| {
        let settings = settings.with_hosts(["two.example:25".parse().unwrap()]);
        settings.with_downgrade(Signatures::Keep)
    });
    let replies = send_mail(&endpoint, mail("BODY=8BITMIME"), &["b"], TEXT).await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}
