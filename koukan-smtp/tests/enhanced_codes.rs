//! Enhanced status codes: whoever is offered them gets them, also where a destination says none.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use koukan_core::{
    reply::{Reply, ReplyCode},
    transaction::Transaction,
};
use koukan_smtp::{Server, server::Connected};
use tokio::io::AsyncWriteExt;
use tower::{BoxError, service_fn};

use self::support::{reply_from, without_ids};

/// What a destination says that knows no enhanced status codes.
fn said(code: u16, text: &'static str) -> Reply {
    Reply::copied(ReplyCode::new(code).unwrap(), None, text)
}

async fn relay(mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(said(250, "sender fine"));
    while let Some(rcpt) = tx.recipients.next().await? {
        let to = rcpt.forward_path().to_string();
        rcpt.answer(match to.split('@').next() {
            Some("unknown") => said(550, "no such user\nreally"),
            Some("busy") => said(450, "busy"),
            _ => said(250, "rcpt fine"),
        });
    }
    while tx.body.next().await?.is_some() {}
    Ok(said(250, "got it"))
}

const COMMANDS: [&str; 8] = [
    "MAIL FROM:<a@example.com>\r\n",
    "RCPT TO:<b@example.com>\r\n",
    "RCPT TO:<busy@example.com>\r\n",
    "RCPT TO:<unknown@example.com>\r\n",
    "DATA\r\n",
    ".\r\n",
    "HELP\r\n",
    "QUIT\r\n",
];

/// The replies to `hello`, said twice, and to the commands.
async fn replies(hello: &str) -> Vec<String> {
    let (mut client, theirs) = tokio::io::duplex(1 << 16);
    let server = Server::new(service_fn(relay));
    tokio::spawn(server.serve(theirs, &Connected::default()));
    let mut replies = vec![reply_from(&mut client).await];
    for command in [hello, hello].iter().chain(&COMMANDS) {
        client.write_all(command.as_bytes()).await.unwrap();
        replies.push(without_ids(&reply_from(&mut client).await));
    }
    replies
}

#[tokio::test]
async fn what_is_relayed_has_them_after_ehlo() {
    let replies = replies("EHLO client\r\n").await;
    let (hellos, others) = replies.split_at(3);
    for reply in hellos {
        // Neither the greeting nor the answer to EHLO has one.
        let (_, text) = reply.split_at("250-".len());
        assert!(!text.starts_with("2."), "{reply}");
    }
    assert!(hellos[1].contains("ENHANCEDSTATUSCODES"));
    let expected = [
        "250 2.0.0 sender fine\r\n",
        "250 2.0.0 rcpt fine\r\n",
        "450 4.0.0 busy\r\n",
        "550-5.0.0 no such user\r\n550 5.0.0 really\r\n",
        "354 start mail input",
        "250 2.0.0 got it",
        "214 2.0.0 ",
        "221 2.0.0 ",
    ];
    for (reply, expected) in others.iter().zip(expected) {
        assert!(reply.starts_with(expected), "{reply}");
    }
}

#[tokio::test]
async fn nobody_else_gets_them() {
    let replies = replies("HELO client\r\n").await;
    let expected = [
        "250 sender fine\r\n",
        "250 rcpt fine\r\n",
        "450 busy\r\n",
        "550-no such user\r\n550 really\r\n",
        "354 start mail input",
        "250 got it",
        "214 ",
        "221 ",
    ];
    for (reply, expected) in replies[3..].iter().zip(expected) {
        assert!(reply.starts_with(expected), "{reply}");
        assert!(!reply.contains("2.0.0"), "{reply}");
    }
}
