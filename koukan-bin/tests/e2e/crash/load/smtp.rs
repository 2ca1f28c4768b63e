//! SMTP clients. They do not repeat a transaction that was running when the agent was killed.

use crate::{client, crash::book::Standing};

use super::{Client, Way};

pub(super) fn run(client: &Client) {
    let address = match client.way {
        Way::Ingress => client.ingress,
        _ => client.submission,
    };
    let mut session = None;
    for letter in client.letters() {
        while session.is_none() && !client.is_over() {
            session = client::Client::connect(address).ok();
            if session.is_none() {
                client.pause();
            }
        }
        let Some(open) = &mut session else {
            return;
        };
        let to: Vec<_> = letter.to.iter().map(String::as_str).collect();
        let message = letter.message();
        let sent = match letter.is_pipelined {
            true => open.send_pipelined(&letter.from, &to, &message),
            false => open.send(&letter.from, &to, &message),
        };
        match sent {
            Ok(sent) => {
                for (to, rcpt) in to.into_iter().zip(&sent.rcpts) {
                    let words = match rcpt.starts_with('2') {
                        true => sent.message.as_deref().unwrap_or_default(),
                        false => rcpt,
                    };
                    client.book.told(to, standing(words), words);
                }
            }
            Err(error) => {
                for to in to {
                    client
                        .book
                        .note(to, format!("the client hears nothing: {error}"));
                }
                session = None;
            }
        }
    }
}

fn standing(reply: &str) -> Standing {
    match reply.chars().next() {
        Some('2') => Standing::Acknowledged,
        Some('5') => Standing::Refused,
        _ => Standing::Deferred,
    }
}
