//! Lists of transactions, newest first.
//!
//! Waiting, leased and finished transactions each have an index. The first and the last are in the
//! order of the list and contain the searched values, so nothing is read of what is skipped. Leased
//! transactions are few, and are sorted. Those of all senders are sorted too, as far as they may come
//! onto the page.

use std::sync::Arc;

use koukan_core::storage::{Listing, QueueState};
use sea_query::Expr;

use super::{Values, summary, text, transaction::read};
use crate::{
    database::{Dialect, Value},
    row::{from_micros, micros},
};

/// A statement that reads one page of a list, with its values.
pub(crate) struct Page {
    pub(crate) text: Arc<str>,
    pub(crate) values: Values,
}

/// Reads committed transactions.
pub(crate) fn list(dialect: Dialect, listing: &Listing) -> Page {
    let mut conditions = Conditions::of(dialect, listing);
    let limit = conditions.limit;
    let places = places(listing, &conditions);
    let mut page = read(dialect);
    let place = dialect.choose("rowid", "id");
    page.and_where(Expr::cust(dialect.is_among(
        &format!(r#""transactions"."{place}""#),
        &format!(
            "SELECT place FROM ({places}) AS places ORDER BY created DESC, id DESC LIMIT ?{limit}"
        ),
    )));
    let page = text(&page);
    conditions.page(format!(
        r#"{page} ORDER BY "transactions"."created" DESC, "transactions"."id" DESC"#
    ))
}

/// Reads the positions of committed transactions in a list. Gives created, id.
pub(crate) fn select(dialect: Dialect, listing: &Listing) -> Page {
    let mut conditions = Conditions::of(dialect, listing);
    let limit = conditions.limit;
    let places = places(listing, &conditions);
    conditions.page(format!(
        "SELECT created, id FROM ({places}) AS places ORDER BY created DESC, id DESC LIMIT ?{limit}"
    ))
}

/// The positions of the newest transactions of each state.
fn places(listing: &Listing, conditions: &Conditions) -> String {
    let place = |state, kept: &Conditions| {
        let sender = kept.sender(state == QueueState::Active);
        let state = match state {
            QueueState::Waiting | QueueState::Unfinished => {
                "final_reason IS NULL AND lease_session IS NULL"
            }
            QueueState::Held => {
                "final_reason IS NULL AND held IS NOT NULL AND lease_session IS NULL"
            }
            QueueState::Scheduled => {
                "final_reason IS NULL AND send_at IS NOT NULL AND due_at = send_at \
                 AND work = 'attempt' AND attempt_count = 0 AND held IS NULL \
                 AND lease_session IS NULL"
            }
            QueueState::Active => "lease_session IS NOT NULL",
            QueueState::Finished => "final_reason IS NOT NULL",
        };
        let id = kept.dialect.choose("rowid", "id");
        let places = format!(
            "SELECT {id} AS place, created, id FROM transactions WHERE {state}{sender}{}",
            kept.text
        );
        kept.newest(places)
    };
    let all = [
        QueueState::Waiting,
        QueueState::Active,
        QueueState::Finished,
    ];
    let states = match listing.state {
        // These are among the waiting ones.
        Some(few @ (QueueState::Held | QueueState::Scheduled)) => vec![few],
        wanted => {
            let takes = |state: &QueueState| wanted.is_none_or(|wanted| wanted.takes(*state));
            all.into_iter().filter(takes).collect()
        }
    };
    let places = states.into_iter().map(|state| place(state, conditions));
    places.collect::<Vec<_>>().join(" UNION ALL ")
}

/// Reads summaries of transactions that were never committed.
pub(crate) fn list_summaries(dialect: Dialect, listing: &Listing) -> Page {
    let mut conditions = Conditions::of(dialect, listing);
    let read = summary::READ;
    let (sender, text) = (conditions.sender(false), &conditions.text);
    let ids = format!("SELECT id, created FROM summaries WHERE TRUE{sender}{text}");
    let ids = conditions.newest(ids);
    let is_one = dialect.is_among("id", &format!("SELECT id FROM ({ids}) AS ids"));
    let page =
        format!("SELECT {read} FROM summaries WHERE {is_one} ORDER BY created DESC, id DESC");
    conditions.page(page)
}

/// The conditions that all lists have in common.
struct Conditions {
    dialect: Dialect,
    /// The parameter for the sender's name.
    sender: Option<usize>,
    /// The parameter for the limit.
    limit: usize,
    /// Conditions, each after an AND.
    text: String,
    values: Values,
    bound: usize,
}

impl Conditions {
    fn of(dialect: Dialect, listing: &Listing) -> Self {
        let mut new = Self {
            dialect,
            sender: None,
            limit: 0,
            text: String::new(),
            values: Values::default(),
            bound: 0,
        };
        new.limit = new.bind(i64::try_from(listing.limit).unwrap_or(i64::MAX));
        new.sender = listing.sender.as_deref().map(|name| new.bind(name));
        if let Some(place) = &listing.before {
            let created = new.bind(micros(place.created));
            let id = new.bind(place.id.to_string());
            new.and(format!("(created, id) < (?{created}, ?{id})"));
        }
        let search = &listing.search;
        if let Some(since) = search.since {
            new.and_value("created >= ?", micros_after(since));
        }
        if let Some(until) = search.until {
            new.and_value("created < ?", micros_after(until));
        }
        if let Some(id) = search.id {
            new.and_value("id = ?", id.to_string());
        }
        let find = dialect.choose("instr", "strpos");
        let wanted = search.wanted();
        new.and_any("reverse_path = ?", wanted.reverse_path);
        let has = format!("{find}(forward_paths, ?) > 0");
        for parts in [wanted.recipient, wanted.domain] {
            new.and_any(&has, parts);
        }
        if let Some(end) = wanted.destination {
            let ends = dialect.choose(
                "substr(destination, -length(?)) = ?",
                "right(destination, length(?)) = ?",
            );
            new.and_value(ends, end);
        }
        for word in wanted.words {
            new.and_value(&format!("{find}(last_reply, ?) > 0"), word);
        }
        new
    }

    /// The condition for a sender, where one is asked for. If there is a better index, it is written so
    /// that SQLite does not use the sender's.
    fn sender(&self, is_beside: bool) -> String {
        let plus = match is_beside {
            true => self.dialect.choose("+", ""),
            false => "",
        };
        let sender = self.sender.map(|at| format!(" AND {plus}sender = ?{at}"));
        sender.unwrap_or_default()
    }

    /// The newest of `places`. Those of all senders come sender by sender, each from new to old, so
    /// that most are skipped at once.
    fn newest(&self, places: String) -> String {
        let limit = self.limit;
        let places = match self.sender {
            Some(_) => places,
            None if self.dialect == Dialect::Postgres => places,
            None => format!(
                "SELECT * FROM ({places} ORDER BY sender DESC, created DESC, id DESC LIMIT -1)"
            ),
        };
        format!("SELECT * FROM ({places} ORDER BY created DESC, id DESC LIMIT ?{limit}) AS newest")
    }

    fn bind(&mut self, value: impl Into<Value>) -> usize {
        self.values.add(value);
        self.bound += 1;
        self.bound
    }

    /// Adds a condition; the value replaces each `?`.
    fn and_value(&mut self, condition: &str, value: impl Into<Value>) {
        let at = self.bind(value);
        self.and(condition.replace('?', &format!("?{at}")));
    }

    /// Adds a condition that one of these values meets; nothing where there are none.
    fn and_any(&mut self, condition: &str, values: Vec<String>) {
        let any = values.into_iter().map(|value| {
            let at = self.bind(value);
            condition.replace('?', &format!("?{at}"))
        });
        let any: Vec<_> = any.collect();
        match &any[..] {
            [] => {}
            [one] => self.and(one.clone()),
            several => self.and(format!("({})", several.join(" OR "))),
        }
    }

    fn and(&mut self, condition: String) {
        self.text.push_str(" AND ");
        self.text.push_str(&condition);
    }

    fn page(&mut self, text: String) -> Page {
        Page {
            text: self.dialect.repeated(&text, 1).into(),
            values: std::mem::take(&mut self.values),
        }
    }
}

/// The first whole microsecond at or after a time.
fn micros_after(time: jiff::Timestamp) -> i64 {
    let micros = micros(time);
    match from_micros(micros) >= time {
        true => micros,
        false => micros.saturating_add(1),
    }
}
