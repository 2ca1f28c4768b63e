//! Originators of transactions.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use koukan_core::{
    context::{Context, Sender},
    path::{ForwardPath, Parameter, ReversePath},
    reply::Reply,
    service::MailService,
    transaction::{Driver, Mail, Pending, Rcpt},
};
use tokio::time::timeout;

/// A handshake that offers the extensions.
pub(crate) fn hello(extensions: &str) -> String {
    let mut script = "S: 220 mx.example ESMTP\nC: EHLO me.example\n".to_owned();
    for extension in extensions.split_whitespace() {
        script.push_str(&format!("S: 250-{}\n", extension.replace('_', " ")));
    }
    // The first of these lines names the server.
    let script = script.replacen("S: 250-", "S: 250-mx.example\nS: 250-", 1);
    script + "S: 250 HELP\n"
}

pub(crate) fn context() -> Arc<Context> {
    Arc::new(Context::new(Sender::new("test")))
}

pub(crate) fn mail(parameters: &str) -> Mail {
    let mut mail = Mail::new("a@me.example".parse::<ReversePath>().unwrap());
    for parameter in parameters.split_whitespace() {
        let (keyword, value) = match parameter.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (parameter, None),
        };
        let parameter = Parameter::new(keyword, value).unwrap();
        mail.parameters.push(parameter).unwrap();
    }
    mail
}

pub(crate) fn rcpt(name: &str) -> Rcpt {
    Rcpt::new(format!("{name}@mx.example").parse::<ForwardPath>().unwrap())
}

pub(crate) fn start(endpoint: &impl MailService) -> (Driver, Pending) {
    Driver::start(endpoint.clone(), context(), mail(""))
}

/// Starts a transaction with accepted recipients, each command after the reply to the last.
pub(crate) async fn start_with(endpoint: &impl MailService, names: &[&str]) -> Driver {
    let (mut driver, pending) = start(endpoint);
    assert!(driver.wait(pending).await.is_positive());
    for name in names {
        let pending = driver.rcpt(rcpt(name)).await;
        assert!(driver.wait(pending).await.is_positive());
    }
    driver
}

/// Sends a message of which everything is known at once, and returns all replies.
pub(crate) async fn send(
    endpoint: &impl MailService,
    names: &[&str],
    body: impl Into<Bytes>,
) -> Vec<String> {
    send_mail(endpoint, mail(""), names, body).await
}

pub(crate) async fn send_mail(
    endpoint: &impl MailService,
    mail: Mail,
    names: &[&str],
    body: impl Into<Bytes>,
) -> Vec<String> {
    let (mut driver, pending) = Driver::start(endpoint.clone(), context(), mail);
    let mut waiting = vec![pending];
    for name in names {
        waiting.push(driver.rcpt(rcpt(name)).await);
    }
    driver.whole_body(body.into().into());
    let last = driver.finish().await;
    let mut replies = Vec::new();
    for mut pending in waiting {
        replies.push(driver.wait(&mut pending).await.to_string());
    }
    replies.push(last.to_string());
    replies
}

/// The reply to a recipient that is named after all others were answered.
pub(crate) async fn add(driver: &mut Driver, name: &str) -> Reply {
    let pending = driver.rcpt(rcpt(name)).await;
    driver.wait(pending).await
}

/// Lets the transaction, which must not end, make progress for that many seconds.
pub(crate) async fn progress_for(driver: &mut Driver, seconds: u64) {
    let wait = timeout(Duration::from_secs(seconds), driver.progress());
    wait.await.expect_err("the transaction goes on");
}

/// The reply is one of our own, of that meaning, and says with which host and in which phase it
/// came about.
#[track_caller]
pub(crate) fn assert_own(reply: &str, like: &Reply, host: &str, phase: &str) {
    let (code, enhanced) = (like.code(), like.enhanced().unwrap());
    assert!(
        reply.starts_with(&format!("{code} {enhanced} ")),
        "{reply} is not like {like}"
    );
    assert!(reply.contains(host), "{reply} does not name {host}");
    assert!(
        reply.ends_with(phase) || reply.contains(&format!("{phase}:")),
        "{reply}, not {phase}"
    );
}

/// The one host of most tests, as replies of our own name it.
pub(crate) const HOST: &str = "mx.example (192.0.2.1:25)";
