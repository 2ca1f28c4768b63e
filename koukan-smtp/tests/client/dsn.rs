//! DSN parameters are passed on unchanged to servers that announce DSN, and to no others.

use bytes::Bytes;
use koukan_core::{
    path::Parameter,
    reply::Handover,
    transaction::{Driver, Rcpt},
};
use rstest::rstest;

use super::{
    net::Net,
    sending::{context, hello, mail, rcpt},
};

const ALL: &str = "RET=HDRS ENVID=QQ+2B314";
const ORCPT: &str = "ORCPT=rfc822;bob+2Bx@y";

fn rcpt_with(name: &str, parameters: &str) -> Rcpt {
    let mut rcpt = rcpt(name);
    for parameter in parameters.split_whitespace() {
        let (keyword, value) = parameter.split_once('=').unwrap();
        let parameter = Parameter::new(keyword, Some(value)).unwrap();
        rcpt.parameters.push(parameter).unwrap();
    }
    rcpt
}

#[rstest]
#[case::all(
    "DSN",
    ALL,
    "NOTIFY=SUCCESS,FAILURE ",
    ORCPT,
    true,
    Some(Handover::PassedOn)
)]
#[case::never("DSN", "", "NOTIFY=NEVER", "", true, Some(Handover::PassedOn))]
#[case::nothing_asked_for("DSN", ALL, "", ORCPT, true, None)]
#[case::nothing_at_all("DSN", "", "", "", true, None)]
#[case::not_announced("SIZE", ALL, "NOTIFY=SUCCESS ", ORCPT, false, None)]
#[tokio::test(start_paused = true)]
async fn parameters_go_as_they_are_or_not_at_all(
    #[case] extension: &str,
    #[case] of_mail: &str,
    #[case] notify: &str,
    #[case] orcpt: &str,
    #[case] goes: bool,
    #[case] handover: Option<Handover>,
) {
    let of_rcpt = format!("{notify}{orcpt}");
    let sent = |parameters: &str| match goes && !parameters.is_empty() {
        true => format!(" {parameters}"),
        false => String::new(),
    };
    let (size, sent_mail, sent_rcpt) = match extension {
        "SIZE" => (" SIZE=4", String::new(), String::new()),
        _ => ("", sent(of_mail), sent(&of_rcpt)),
    };
    let net = Net::new([hello(&format!("PIPELINING {extension}"))
        + &format!(
            "C: MAIL FROM:<a@me.example>{size}{sent_mail}
             C: RCPT TO:<b@mx.example>{sent_rcpt}
             C: DATA
             S: 250 sender
             S: 250 b
             S: 354 go
             C: hi
             C: .
             S: 250 queued"
        )]);
    let (mut driver, _mail) = Driver::start(net.endpoint(), context(), mail(of_mail));
    let _rcpt = driver.rcpt(rcpt_with("b", &of_rcpt)).await;
    driver.whole_body(Bytes::from("hi\r\n").into());
    let reply = driver.finish().await;
    assert_eq!(reply.to_string(), "250 queued");
    assert_eq!(reply.handover(), handover);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn an_original_recipient_in_utf8_goes_in_ascii_where_smtputf8_is_not_asked_for() {
    let net = Net::new([hello("PIPELINING DSN")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example> ORCPT=utf-8;b\\x{F8}b@y
           C: DATA
           S: 250 sender
           S: 250 b
           S: 354 go
           C: hi
           C: .
           S: 250 queued"]);
    let (mut driver, _mail) = Driver::start(net.endpoint(), context(), mail(""));
    let _rcpt = driver.rcpt(rcpt_with("b", "ORCPT=utf-8;bøb@y")).await;
    driver.whole_body(Bytes::from("hi\r\n").into());
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    net.done().await;
}
