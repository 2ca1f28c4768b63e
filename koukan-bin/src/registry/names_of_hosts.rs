//! Filters that ask the DNS about clients and domains, and their matchers.

use koukan_core::{
    filter::{
        dns_resolution::{
            Asked, DnsResolution, DnsResolutionLayer, RECIPIENT, Resolution, ResolutionMatcher,
        },
        remote_host::{LookupStatus, RemoteHost, RemoteHostLayer, RemoteHostMatcher},
    },
    signals::DurableSignal,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Registry, Surroundings};
use crate::config::{HumanDuration, Step, instead};

/// Adds the filters and matchers.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter(
        "remote_host",
        |config: Wait, surroundings: &Surroundings| {
            let layer = RemoteHostLayer::new(surroundings.resolver.clone());
            Ok::<_, InvalidFilter>(match config.timeout {
                Some(HumanDuration(time)) => layer.with_time(time),
                None => layer,
            })
        },
    );
    registry.own_filter(
        "dns_resolution",
        |config: Wait, surroundings: &Surroundings| {
            let layer = DnsResolutionLayer::new(surroundings.resolver.clone());
            Ok::<_, InvalidFilter>(match config.timeout {
                Some(HumanDuration(time)) => layer.with_time(time),
                None => layer,
            })
        },
    );
    registry.signals("remote_host", [RemoteHost::NAME]);
    registry.signals("dns_resolution", [DnsResolution::NAME, RECIPIENT]);
    registry.matcher("remote_host", remote_host);
    registry.matcher("dns_resolution", dns_resolution);
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// How long to wait for the DNS.
    timeout: Option<HumanDuration>,
}

/// What the DNS says about the client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfClient {
    status: Option<Names>,
    fcrdns: Option<bool>,
    ehlo_alignment: Option<bool>,
}

/// One result, or a list of results.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts, is expected")]
enum Names {
    One(String),
    Many(Vec<String>),
}

fn remote_host(config: OfClient) -> Result<RemoteHostMatcher, InvalidFilter> {
    if config.status.is_none() && config.fcrdns.is_none() && config.ehlo_alignment.is_none() {
        let text = "it matches whatever was found out: name `status`, `fcrdns` or `ehlo_alignment`";
        return Err(InvalidFilter::new(text));
    }
    let mut matcher = RemoteHostMatcher::new();
    if let Some(names) = config.status {
        let known = LookupStatus::ALL.map(|status| (status.as_str(), status));
        matcher = matcher.with_status(names.all("status", &known)?);
    }
    if let Some(is_so) = config.fcrdns {
        matcher = matcher.with_fcrdns(is_so);
    }
    Ok(match config.ehlo_alignment {
        Some(is_so) => matcher.with_ehlo_alignment(is_so),
        None => matcher,
    })
}

/// What the DNS says about a domain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfDomain {
    mail_result: Option<Names>,
    rcpt_result: Option<Names>,
    resolution_result: Option<Names>,
}

fn dns_resolution(config: OfDomain) -> Result<ResolutionMatcher, InvalidFilter> {
    let asked = [
        ("mail_result", Asked::MailFrom, config.mail_result),
        ("rcpt_result", Asked::RcptTo, config.rcpt_result),
        (
            "resolution_result",
            Asked::NextHop,
            config.resolution_result,
        ),
    ];
    let mut asked = asked
        .into_iter()
        .filter_map(|(key, asked, names)| Some((key, asked, names?)));
    match (asked.next(), asked.next()) {
        (Some((key, asked, names)), None) => {
            let known = Resolution::ALL.map(|result| (result.as_str(), result));
            Ok(ResolutionMatcher::new(asked, names.all(key, &known)?))
        }
        (_, Some((key, ..))) => Err(InvalidFilter {
            at: vec![Step::Key(key.into())],
            ..InvalidFilter::new(
                "it asks for two things: make two matchers of them, in `any` or `all`",
            )
        }),
        (None, None) => {
            let text = "name `mail_result`, `rcpt_result` or `resolution_result`";
            Err(InvalidFilter::new(text))
        }
    }
}

impl Names {
    /// The results that the names stand for.
    fn all<T: Copy>(self, key: &str, known: &[(&str, T)]) -> Result<Vec<T>, InvalidFilter> {
        let here = vec![Step::Key(key.into())];
        let wrong = |message: String, at| Err(InvalidFilter { message, at });
        let (names, is_list) = match self {
            Self::One(name) => (vec![name], false),
            Self::Many(names) => (names, true),
        };
        if names.is_empty() {
            let all: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            let text = format!(
                "it never matches: name results, as in `[{}]`",
                all.join(", ")
            );
            return wrong(text, here);
        }
        let mut found = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Some((_, result)) = known.iter().find(|(it, _)| *it == name) else {
                let help = instead("result", name, known.iter().map(|(name, _)| *name));
                let mut place = here;
                place.extend(is_list.then_some(Step::Item(index)));
                return wrong(format!("unknown result `{name}`: {help}"), place);
            };
            found.push(*result);
        }
        Ok(found)
    }
}
