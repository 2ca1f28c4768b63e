//! Query parameters that select transactions.

use std::collections::BTreeMap;

use axum::extract::{Query, rejection::QueryRejection};
use jiff::Timestamp;
use koukan_core::{resource::Refusal, storage::Search};

/// The query before its parameters are checked.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Parameters, each at most once.
pub(super) struct Parameters(BTreeMap<String, String>);

/// The names of the parameters that [`Parameters::search`] takes.
const SEARCH: [&str; 7] = [
    "mail_from",
    "recipient",
    "domain",
    "destination",
    "since",
    "until",
    "reply",
];

impl Parameters {
    /// The parameters of a query for a list. Allowed are the search parameters and `others`. An empty one
    /// counts as absent.
    pub(super) fn of(query: Pairs, others: &[&str]) -> Result<Self, Refusal> {
        let mut parameters = Self::whole(query, others)?;
        parameters.0.retain(|_, value| !value.is_empty());
        Ok(parameters)
    }

    /// The parameters of a query that selects what is changed. An empty one is refused, as a shell variable
    /// without a value makes it: without that parameter, others would be changed too.
    pub(super) fn of_change(query: Pairs, others: &[&str]) -> Result<Self, Refusal> {
        let parameters = Self::whole(query, others)?;
        let mut all = parameters.0.iter();
        match all.find(|(_, value)| value.trim().is_empty()) {
            None => Ok(parameters),
            Some((name, _)) => {
                let detail = "is empty: give a value, or leave the parameter out";
                Err(Refusal::malformed(detail).at(name.as_str()))
            }
        }
    }

    fn whole(query: Pairs, others: &[&str]) -> Result<Self, Refusal> {
        let known = || others.iter().chain(&SEARCH);
        let wrong = || {
            let names: Vec<_> = known().copied().collect();
            let detail = format!("the parameters are {}, each once at most", names.join(", "));
            Refusal::malformed(detail)
        };
        let Query(pairs) = query.map_err(|_| wrong())?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            let is_known = known().any(|known| *known == name);
            if !is_known || parameters.insert(name, value).is_some() {
                return Err(wrong());
            }
        }
        Ok(Self(parameters))
    }

    /// The parameters of a query without search parameters. Only `known` are allowed.
    pub(super) fn alone(query: Pairs, known: &[&str]) -> Result<Self, Refusal> {
        let wrong = || {
            let names = known.join(", ");
            Refusal::malformed(format!("the parameters are {names}, each once at most"))
        };
        let parameters = Self::of(query, known).map_err(|_| wrong())?;
        match parameters.0.keys().all(|name| known.contains(&&**name)) {
            true => Ok(parameters),
            false => Err(wrong()),
        }
    }

    /// Takes the value of a parameter, if there is one.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes a number of at least 1.
    pub(super) fn positive(&mut self, name: &'static str) -> Result<Option<usize>, Refusal> {
        let number = self.take(name).map(|text| text.parse().ok());
        match number {
            None => Ok(None),
            Some(Some(number)) if number > 0 => Ok(Some(number)),
            Some(_) => Err(Refusal::malformed("not a positive number").at(name)),
        }
    }

    /// Takes a flag: whether the parameter is `true`.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, Refusal> {
        match self.take(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::malformed("not true or false").at(name)),
        }
    }

    /// Whether all parameters were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the search parameters.
    pub(super) fn search(&mut self) -> Result<Search, Refusal> {
        let reply = self.take("reply");
        let words = reply.iter().flat_map(|reply| reply.split_whitespace());
        if words.count() > Search::WORDS_MAX {
            let detail = format!("more than {} words", Search::WORDS_MAX);
            return Err(Refusal::malformed(detail).at("reply"));
        }
        Ok(Search {
            id: None,
            reverse_path: self.address("mail_from"),
            recipient: self.address("recipient"),
            domain: self.take("domain").map(Into::into),
            destination: self.take("destination").map(Into::into),
            since: self.time("since")?,
            until: self.time("until")?,
            last_reply: reply.map(Into::into),
        })
    }

    /// Takes an address, which may stand in angle brackets.
    pub(super) fn address(&mut self, name: &str) -> Option<Box<str>> {
        let address = self.take(name)?;
        Some(without_brackets(&address).into())
    }

    fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
        let time = self.take(name).map(|text| text.parse()).transpose();
        time.map_err(|_| Refusal::malformed("not a time like 2026-01-31T12:00:00Z").at(name))
    }
}

/// An address as in JSON; `<>` becomes the null reverse-path.
pub(super) fn without_brackets(address: &str) -> &str {
    let inner = address.strip_prefix('<');
    let inner = inner.and_then(|rest| rest.strip_suffix('>'));
    inner.unwrap_or(address)
}
