//! Filters that defer or refuse by sender and volume.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod dnsbl;
mod greylist;
mod rate_limit;

use std::{sync::Arc, time::Duration};

use koukan_core::{
    context::Context,
    reply::Reply,
    service::MailService,
    test_util::{ManualClock, Script, ScriptedResolver, context_from, mail, rcpt},
    transaction::Driver,
};
use tower::Layer;

/// A client at that address.
fn at(address: &str) -> Context {
    let address = match address.contains(':') {
        true => format!("[{address}]:25"),
        false => format!("{address}:25"),
    };
    context_from(&address, "mail.client.example")
}

/// The replies to MAIL and to each RCPT.
async fn asked(
    service: impl MailService,
    context: Context,
    from: &str,
    to: &[&str],
) -> (Reply, Vec<Reply>) {
    let (mut driver, replied) = Driver::start(service, Arc::new(context), mail(from));
    let of_mail = driver.wait(replied).await;
    let mut replies = Vec::new();
    for to in to {
        let reply = driver.start_rcpt(rcpt(to));
        replies.push(driver.wait(reply).await);
    }
    (of_mail, replies)
}
