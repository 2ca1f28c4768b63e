//! What clients finally hear about the mail that they sent by REST.

use crate::{
    crash::{agent::Agent, book::Book},
    http::Request,
};

use super::create::is_delivered;

/// Reads the view of each transaction whose location is known.
pub(in super::super) fn read(agent: &Agent, book: &Book) {
    for (to, entry) in book.entries() {
        let Some(location) = &entry.location else {
            continue;
        };
        let answer = Request::get(location)
            .header("Prefer", "view=full")
            .send(agent.rest)
            .unwrap();
        book.note(&to, format!("its view in the end: {}", answer.content()));
        if answer.status != 200 {
            continue;
        }
        let view = answer.json();
        let recipients = view["recipients"].as_array().unwrap();
        let index = recipients
            .iter()
            .position(|known| known["address"] == to.as_str());
        if view.get("final_attempt_reason").is_some() {
            book.viewed(&to, is_delivered(&view, index.unwrap()));
        }
    }
}
