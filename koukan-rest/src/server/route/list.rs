//! `GET /senders/{sender}/transactions?state=&mail_from=&recipient=&domain=&destination=&since=&until=&reply=&limit=&cursor=`.

use axum::{
    Extension,
    extract::{Query, Request, State, rejection::QueryRejection},
};
use jiff::Timestamp;
use koukan_core::{
    resource::{Caller, List, ListState, Operation, Refusal},
    storage::Search,
};
use serde::Deserialize;

use crate::server::{answer::answer, problem::Problem, shared::Shared};

use super::{Answer, Parts, part};

/// Transactions of one list, where the client does not say.
const LIMIT: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    state: Option<String>,
    mail_from: Option<String>,
    recipient: Option<String>,
    domain: Option<String>,
    destination: Option<String>,
    since: Option<String>,
    until: Option<String>,
    reply: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    /// Lists are always full; it does no harm to say so.
    #[allow(dead_code, reason = "known, so that it is not refused")]
    view: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    query: Result<Query<Parameters>, QueryRejection>,
    request: Request,
) -> Answer {
    let sender = part(path)?;
    if !caller.may_act_for(&sender) {
        return Err(Problem::forbidden_sender());
    }
    let Query(parameters) = query.map_err(|_| {
        let detail = "the parameters are state, mail_from, recipient, domain, destination, since, \
                      until, reply, limit and cursor, each once at most";
        Refusal::malformed(detail)
    })?;
    let list = parameters.list(sender.into())?;
    let manner = shared.manner(request.uri(), request.headers())?;
    let response = shared.ask(caller, Operation::List(list)).await?;
    Ok(answer(response, &manner))
}

impl Parameters {
    /// The list that is asked for; an empty parameter says nothing.
    fn list(self, sender: Box<str>) -> Result<List, Refusal> {
        let state = match self.state.as_deref() {
            None | Some("") => None,
            Some("waiting") => Some(ListState::Waiting),
            Some("active") => Some(ListState::Active),
            Some("finished") => Some(ListState::Finished),
            Some(_) => {
                let detail = "not one of waiting, active, finished";
                return Err(Refusal::malformed(detail).at("state"));
            }
        };
        let limit = match self.limit.as_deref() {
            None | Some("") => LIMIT,
            Some(limit) => match limit.parse() {
                Ok(limit) if limit > 0 => limit,
                _ => return Err(Refusal::malformed("not a positive number").at("limit")),
            },
        };
        let said = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Box::from);
        let reply: Option<Box<str>> = said(self.reply);
        let words = reply.iter().flat_map(|reply| reply.split_whitespace());
        if words.count() > Search::WORDS_MAX {
            let detail = format!("more than {} words", Search::WORDS_MAX);
            return Err(Refusal::malformed(detail).at("reply"));
        }
        let search = Search {
            id: None,
            reverse_path: said(self.mail_from).map(without_brackets),
            recipient: said(self.recipient).map(without_brackets),
            domain: said(self.domain),
            destination: said(self.destination),
            since: time(self.since, "since")?,
            until: time(self.until, "until")?,
            last_reply: reply,
        };
        let cursor = self.cursor.filter(|cursor| !cursor.is_empty());
        Ok(List {
            sender,
            state,
            search,
            limit,
            cursor: cursor.map(Into::into),
        })
    }
}

/// An address as it stands in JSON; `<>` is the null reverse-path.
fn without_brackets(address: Box<str>) -> Box<str> {
    let inner = address
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    match inner {
        Some(inner) => inner.into(),
        None => address,
    }
}

fn time(text: Option<String>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let text = text.filter(|text| !text.is_empty());
    let time = text.map(|text| text.parse()).transpose();
    time.map_err(|_| Refusal::malformed("not a time like 2026-01-31T12:00:00Z").at(name))
}
