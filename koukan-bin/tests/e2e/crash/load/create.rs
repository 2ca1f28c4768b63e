//! REST clients that send a message in the create request. They send the request again under the
//! same key until it is answered.

use serde_json::{Value, json};

use crate::{
    crash::{book::Standing, plan::Letter},
    http::{Answer, Request},
};

use super::{Client, Way};

/// How many seconds a client waits for the outcome.
const WAIT: &str = "wait=1";

pub(super) fn run(client: &Client) {
    for letter in client.letters() {
        let body = json!({ "inline": letter.message() });
        let answer = create(client, &letter, Some(body));
        if answer.status != 201 {
            refused(client, &letter, &answer);
            continue;
        }
        let view = answer.json();
        for (index, to) in letter.to.iter().enumerate() {
            let words = format!("201, {}", answer.content());
            client.book.told(to, Standing::Acknowledged, &words);
            if is_delivered(&view, index) {
                client.book.viewed(to, true);
            }
        }
    }
}

/// Creates a transaction; repeats the request as often as necessary.
pub(super) fn create(client: &Client, letter: &Letter, body: Option<Value>) -> Answer {
    let recipients = letter.to.iter().map(|to| json!({ "m": to }));
    let mut asked = json!({
        "mail_from": { "m": letter.from },
        "rcpt_to": recipients.collect::<Vec<_>>(),
    });
    if let Some(body) = body {
        asked["body"] = body;
    }
    let path = format!("/senders/{}/transactions", letter.rest_sender());
    let mut request = Request::new("POST", &path)
        .header("Idempotency-Key", &letter.id)
        .json(&asked);
    if client.way == Way::Wait {
        request = request.header("Prefer", WAIT);
    }
    let mut is_repeated = false;
    loop {
        match request.send(client.rest) {
            // The agent starts or stops.
            Ok(answer) if answer.status == 503 => {}
            Ok(answer) => {
                let is_replayed = answer.header("idempotency-replayed").is_some();
                client.book.count(|counts| {
                    counts.repeated += usize::from(is_repeated);
                    counts.replayed += usize::from(is_repeated && is_replayed);
                });
                if let Some(location) = answer.location() {
                    client.book.located(&letter.to, location);
                }
                return answer;
            }
            Err(error) => {
                for to in &letter.to {
                    let words = format!("the client creates it and hears nothing: {error}");
                    client.book.note(to, words);
                }
                is_repeated = true;
            }
        }
        client.pause();
    }
}

/// Notes a create that got an unexpected answer.
pub(super) fn refused(client: &Client, letter: &Letter, answer: &Answer) {
    for to in &letter.to {
        let words = format!("{} {}", answer.status, answer.content());
        client.book.told(to, Standing::Refused, &words);
    }
}

/// Whether a view says that the recipient at `index` has got the message.
pub(super) fn is_delivered(view: &Value, index: usize) -> bool {
    let replies = [&view["rcpt_response"][index], &view["data_response"]];
    let mut codes = replies.iter().map(|reply| reply["code"].as_u64());
    codes.all(|code| code.is_some_and(|code| code / 100 == 2))
}
