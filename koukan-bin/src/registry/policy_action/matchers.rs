//! Matchers by name.

use std::{collections::BTreeMap, sync::Arc};

use koukan_core::{
    filter::{
        MailboxList,
        policy_action::{
            Matcher,
            matchers::{
                AddressMatcher, Earlier, InvalidPath, NetworkAddress, NumRcpts, OverTls,
                SignalMatcher, SmtpAuth, WhichAddress,
            },
        },
    },
    network::Network as Range,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tower::BoxError;

use super::{InvalidFilter, at};
use crate::{
    config::{Step, instead},
    registry::{of_building, of_reading, text::RecipientDomain},
};

type Build = dyn Fn(&Value) -> Result<Arc<dyn Matcher>, InvalidFilter> + Send + Sync;

/// Knows for each matcher's name how to make it of its configuration.
#[derive(Clone, Default)]
pub(in crate::registry) struct Matchers(BTreeMap<String, Arc<Build>>);

impl Matchers {
    /// Adds one; an earlier one of that name is replaced.
    pub(in crate::registry) fn add<C, M, E>(
        &mut self,
        name: &str,
        build: impl Fn(C) -> Result<M, E> + Send + Sync + 'static,
    ) where
        C: DeserializeOwned,
        M: Matcher,
        E: Into<BoxError>,
    {
        let build = move |config: &Value| {
            let config = serde_path_to_error::deserialize(config).map_err(of_reading)?;
            let matcher = build(config).map_err(|error| of_building(error.into()))?;
            Ok(Arc::new(matcher) as Arc<dyn Matcher>)
        };
        self.0.insert(name.to_owned(), Arc::new(build));
    }

    /// Makes the matcher that a mapping with the key `matcher` names, of its other keys.
    pub(super) fn build(
        &self,
        config: &Map<String, Value>,
        place: &[Step],
    ) -> Result<Arc<dyn Matcher>, InvalidFilter> {
        let below = |steps: &[Step]| [place, steps].concat();
        let at_name = || below(&[Step::Key("matcher".into())]);
        let Some(name) = config.get("matcher").and_then(Value::as_str) else {
            return Err(at("the name of a matcher is expected", at_name()));
        };
        let Some(build) = self.0.get(name) else {
            let help = instead("matcher", name, self.0.keys().map(String::as_str));
            return Err(at(format!("unknown matcher `{name}`: {help}"), at_name()));
        };
        let mut own = config.clone();
        own.remove("matcher");
        build(&Value::Object(own)).map_err(|error| at(error.message, below(&error.at)))
    }

    /// Those that come with the library.
    pub(in crate::registry) fn builtin() -> Self {
        let mut all = Self::default();
        all.add("network_address", network_address);
        for name in ["tls", "smtp_tls"] {
            all.add(name, |Nothing {}| Ok::<_, InvalidFilter>(OverTls));
        }
        all.add("smtp_auth", |Auth { identities }| {
            Ok::<_, InvalidFilter>(SmtpAuth::new(identities.unwrap_or_default()))
        });
        all.add("num_rcpts", num_rcpts);
        for (name, which) in [
            ("invalid_mail_from", WhichAddress::MailFrom),
            ("invalid_rcpt_to", WhichAddress::RcptTo),
        ] {
            all.add(name, move |Nothing {}| {
                Ok::<_, InvalidFilter>(InvalidPath::new(which))
            });
        }
        all.add("address_list", address_list);
        all.add("signal", signal);
        all.add("policy_action", earlier);
        all
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    identities: Option<Vec<String>>,
}

/// The network of a client: one, or a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    cidr: OneOrMany,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a network as in `192.0.2.0/24`, or a list of them, is expected"
)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn network_address(config: Network) -> Result<NetworkAddress, InvalidFilter> {
    let (texts, is_list) = match config.cidr {
        OneOrMany::One(one) => (vec![one], false),
        OneOrMany::Many(many) => (many, true),
    };
    if texts.is_empty() {
        let text = "no client is in it: add a network";
        return Err(at(text, vec![Step::Key("cidr".into())]));
    }
    let parsed = texts.iter().enumerate().map(|(index, text)| {
        text.parse::<Range>().map_err(|_| {
            let mut steps = vec![Step::Key("cidr".into())];
            steps.extend(is_list.then_some(Step::Item(index)));
            at(
                format!("`{text}` is no network, as in `192.0.2.0/24`"),
                steps,
            )
        })
    });
    Ok(NetworkAddress::new(parsed.collect::<Result<Vec<_>, _>>()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    max_rcpts: usize,
}

fn num_rcpts(config: Count) -> Result<NumRcpts, InvalidFilter> {
    match config.max_rcpts {
        0 => {
            let text = "with 0 it matches for every recipient: name 1 or more";
            Err(at(text, vec![Step::Key("max_rcpts".into())]))
        }
        max => Ok(NumRcpts::new(max)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addresses {
    #[serde(default)]
    which_addr: Which,
    #[serde(default)]
    domains: Vec<RecipientDomain>,
    #[serde(default)]
    prefixes: Vec<String>,
    delimiter: Option<char>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Which {
    #[default]
    MailFrom,
    RcptTo,
}

fn address_list(config: Addresses) -> Result<AddressMatcher, InvalidFilter> {
    if config.domains.is_empty() && config.prefixes.is_empty() {
        let text = "without `domains` and `prefixes` it knows every address: add one of them";
        return Err(InvalidFilter::new(text));
    }
    let list = MailboxList::default()
        .with_domains(config.domains.into_iter().map(|domain| domain.0))
        .with_prefixes(config.prefixes);
    let list = match config.delimiter {
        Some(delimiter) => list.with_delimiter(delimiter),
        None => list,
    };
    let which = match config.which_addr {
        Which::MailFrom => WhichAddress::MailFrom,
        Which::RcptTo => WhichAddress::RcptTo,
    };
    Ok(AddressMatcher::new(which, list))
}

/// What a filter has found out: a part of it, and the values that it may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    name: String,
    #[serde(default)]
    pointer: String,
    values: Option<Vec<Value>>,
}

fn signal(config: Signal) -> Result<SignalMatcher, InvalidFilter> {
    if !config.pointer.is_empty() && !config.pointer.starts_with('/') {
        let text = format!(
            "`{0}` is no JSON pointer: write `/{0}`, with `/` before each name",
            config.pointer
        );
        return Err(at(text, vec![Step::Key("pointer".into())]));
    }
    if config.values.as_ref().is_some_and(Vec::is_empty) {
        let text = "without a value it never matches: add one, or leave `values` out";
        return Err(at(text, vec![Step::Key("values".into())]));
    }
    Ok(SignalMatcher::new(config.name)
        .with_pointer(config.pointer)
        .with_values(config.values.unwrap_or_default()))
}

/// What another rule has said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    tag: Option<Box<str>>,
    rule: Option<Box<str>>,
}

fn earlier(config: Said) -> Result<Earlier, InvalidFilter> {
    match (config.rule, config.tag) {
        (Some(rule), None) => Ok(Earlier::Rule(rule)),
        (None, Some(tag)) => Ok(Earlier::Tag(tag)),
        _ => Err(InvalidFilter::new("name a `rule` or a `tag`, and not both")),
    }
}
