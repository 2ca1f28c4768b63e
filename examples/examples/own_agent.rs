//! The program `koukan` with all of its commands (`run`, `check`, `schema`, `queue` and the
//! others), and with a filter and an endpoint of your own for its configuration.
//!
//! ```yaml
//! chain:
//!   - name: inbox
//!     filter: [no_words: { words: [lottery] }]
//!     endpoint: { print: { prefix: "mail for " } }
//! ```
//!
//! ```sh
//! cargo run -p koukan-examples --example own_agent -- check koukan.yaml
//! cargo run -p koukan-examples --example own_agent -- run --config koukan.yaml
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::{process::ExitCode, sync::Arc};

use koukan::Koukan;
use koukan_core::middleware::{Next, State, from_fn_with_state};
use koukan_core::{reply::Reply, transaction::Transaction};
use serde::Deserialize;
use tower::{BoxError, service_fn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoWords {
    words: Vec<String>,
}

/// Refuses messages whose subject has one of the words.
async fn no_words(
    State(filter): State<Arc<NoWords>>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let edited = tx.edit_header(0, move |header| {
        let subject = header.first("Subject").map(|field| field.text());
        let subject = subject.unwrap_or_default();
        match filter.words.iter().any(|word| subject.contains(word)) {
            true => Err(Reply::policy_refused()),
            false => Ok(()),
        }
    });
    next.run(edited).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Print {
    prefix: String,
}

/// Prints the recipients of a message.
async fn print(prefix: String, mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        println!("{prefix}{}", rcpt.forward_path());
        rcpt.answer(Reply::recipient_ok());
    }
    tx.body.discard().await?;
    Ok(Reply::message_accepted())
}

fn main() -> ExitCode {
    let agent = Koukan::builder()
        .try_filter("no_words", |filter: NoWords, _| {
            match filter.words.is_empty() {
                true => Err("`words` has none"),
                false => Ok(from_fn_with_state(Arc::new(filter), no_words)),
            }
        })
        .endpoint("print", |Print { prefix }| {
            service_fn(move |tx| print(prefix.clone(), tx))
        });
    agent.main()
}
