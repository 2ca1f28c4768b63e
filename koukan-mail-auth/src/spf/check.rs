//! The evaluation: RFC 7208 section 4.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    pin::Pin,
    time::Duration,
};

use koukan_core::network::Resolver;
use tokio::time::{Instant, timeout};

use super::{
    SpfResult,
    lookup::{Lookups, Stop, is_domain},
    macros::{Values, expand, expand_domain, wants_validated},
    record::{Malformed, Mechanism, Prefixes, Record, is_record},
};
use crate::domain::is_within;

/// The longest explanation that is kept, in octets.
const EXPLANATION_MAX: usize = 400;

/// What is asked: may this client send mail of that sender?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// The client's address. An IPv4 address may be written as an IPv6 one.
    pub client: IpAddr,
    /// The local part of the sender; `postmaster` where there is none.
    pub local: &'a str,
    /// The domain of the sender: that of the reverse-path, or, where the reverse-path is null, the name
    /// in HELO or EHLO.
    pub domain: &'a str,
    /// The name that the client gave in HELO or EHLO.
    pub helo: &'a str,
    /// The name of this host.
    pub receiver: &'a str,
    /// The current time, in seconds since 1970.
    pub now: i64,
}

/// The result of SPF, and the domain's explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpfAnswer {
    /// The result.
    pub result: SpfResult,
    /// The domain's explanation, where the result is [`SpfResult::Fail`] and the domain has one: visible
    /// ASCII characters and blanks. Whoever shows it must say that it comes from the domain.
    pub explanation: Option<String>,
}

/// Asks the DNS whether a client may send mail of a domain. Waits for the DNS for at most `time`. An
/// explanation that has not come by then is left out.
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
pub async fn check_host(
    question: &Question<'_>,
    resolver: &dyn Resolver,
    time: Duration,
) -> SpfAnswer {
    let start = Instant::now();
    let mut evaluation = Evaluation {
        question,
        client: question.client.to_canonical(),
        local: match question.local {
            "" => "postmaster",
            local => local,
        },
        lookups: Lookups::new(resolver),
        validated: None,
    };
    let ended = match is_domain(question.domain) {
        true => {
            let ended = evaluation.domain(question.domain.to_owned());
            timeout(time, ended).await.unwrap_or(Err(Stop::Temporary))
        }
        false => Ok(Ended::of(SpfResult::None)),
    };
    let ended = ended.unwrap_or_else(|stop| {
        Ended::of(match stop {
            Stop::Temporary => SpfResult::TempError,
            Stop::Permanent => SpfResult::PermError,
        })
    });
    let explanation = match (ended.result, ended.explanation) {
        (SpfResult::Fail, Some((text, domain))) => {
            let left = time.saturating_sub(start.elapsed());
            let explanation = timeout(left, evaluation.explanation(&text, &domain)).await;
            explanation.ok().flatten()
        }
        _ => None,
    };
    SpfAnswer {
        result: ended.result,
        explanation,
    }
}

struct Evaluation<'a> {
    question: &'a Question<'a>,
    client: IpAddr,
    local: &'a str,
    lookups: Lookups<'a>,
    /// The client's validated names, once they were looked up.
    validated: Option<Vec<Box<str>>>,
}

struct Ended {
    result: SpfResult,
    /// The explanation's text before macros are expanded, and the domain that it belongs to.
    explanation: Option<(String, String)>,
}

impl Ended {
    fn of(result: SpfResult) -> Self {
        Self {
            result,
            explanation: None,
        }
    }
}

type Evaluated<'f> = Pin<Box<dyn Future<Output = Result<Ended, Stop>> + Send + 'f>>;

impl Evaluation<'_> {
    /// Evaluates the record of a domain.
    fn domain(&mut self, domain: String) -> Evaluated<'_> {
        Box::pin(async move {
            let Some(record) = self.record(&domain).await? else {
                return Ok(Ended::of(SpfResult::None));
            };
            for directive in &record.directives {
                if self.matches(&directive.mechanism, &domain).await? {
                    return Ok(Ended {
                        result: directive.result,
                        explanation: record.explanation.map(|text| (text, domain)),
                    });
                }
            }
            let Some(redirect) = &record.redirect else {
                return Ok(Ended::of(SpfResult::Neutral));
            };
            self.lookups.term()?;
            let target = self.target(Some(redirect), &domain).await?;
            let ended = self.domain(target).await?;
            match ended.result {
                SpfResult::None => Err(Stop::Permanent),
                _ => Ok(ended),
            }
        })
    }

    async fn record(&self, domain: &str) -> Result<Option<Record>, Stop> {
        let mut records = self.lookups.txt(domain).await?;
        records.retain(|text| is_record(text));
        match &*records {
            [] => Ok(None),
            [text] => match Record::parse(text) {
                Ok(record) => Ok(Some(record)),
                Err(Malformed) => Err(Stop::Permanent),
            },
            _ => Err(Stop::Permanent),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        if !matches!(
            mechanism,
            Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..)
        ) {
            self.lookups.term()?;
        }
        Ok(match mechanism {
            Mechanism::All => true,
            Mechanism::Ip4(address, bits) => is_in(self.client, (*address).into(), *bits),
            Mechanism::Ip6(address, bits) => is_in(self.client, (*address).into(), *bits),
            Mechanism::Include(target) => {
                let target = self.target(Some(target), domain).await?;
                match self.domain(target).await?.result {
                    SpfResult::Pass => true,
                    SpfResult::None => return Err(Stop::Permanent),
                    _ => false,
                }
            }
            Mechanism::A(target, prefixes) => {
                let target = self.target(target.as_deref(), domain).await?;
                self.has_host(&target, *prefixes).await?
            }
            Mechanism::Mx(target, prefixes) => {
                let target = self.target(target.as_deref(), domain).await?;
                for host in self.lookups.mx(&target).await? {
                    if self.has_host(&host, *prefixes).await? {
                        return Ok(true);
                    }
                }
                false
            }
            Mechanism::Ptr(target) => {
                let target = self.target(target.as_deref(), domain).await?;
                let names = self.validated().await?;
                names.iter().any(|name| is_within(name, &target))
            }
            Mechanism::Exists(target) => {
                let target = self.target(Some(target), domain).await?;
                let any = Ipv4Addr::UNSPECIFIED.into();
                !self.lookups.addresses(&target, any).await?.is_empty()
            }
        })
    }

    async fn has_host(&mut self, host: &str, prefixes: Prefixes) -> Result<bool, Stop> {
        let client = self.client;
        let bits = match client {
            IpAddr::V4(_) => prefixes.ip4,
            IpAddr::V6(_) => prefixes.ip6,
        };
        let addresses = self.lookups.addresses(host, client).await?;
        Ok(addresses
            .into_iter()
            .any(|address| is_in(client, address, bits)))
    }

    /// The domain that a term refers to.
    async fn target(&mut self, spec: Option<&str>, domain: &str) -> Result<String, Stop> {
        let Some(spec) = spec else {
            return Ok(domain.to_owned());
        };
        let validated = self.validated_for(spec, domain).await?;
        Ok(expand_domain(spec, &self.values(domain, &validated)))
    }

    fn values<'v>(&'v self, domain: &'v str, validated: &'v str) -> Values<'v> {
        Values {
            local: self.local,
            sender_domain: self.question.domain,
            domain,
            client: self.client,
            helo: self.question.helo,
            validated,
            receiver: self.question.receiver,
            now: self.question.now,
        }
    }

    /// The client's validated name, where the text uses it: RFC 7208 section 7.3.
    async fn validated_for(&mut self, text: &str, domain: &str) -> Result<String, Stop> {
        if !wants_validated(text) {
            return Ok(String::new());
        }
        let names = self.validated().await?;
        let same = names.iter().find(|name| name.eq_ignore_ascii_case(domain));
        let below = || names.iter().find(|name| is_within(name, domain));
        let name = same.or_else(below).or_else(|| names.first());
        Ok(name.map_or("unknown", |name| &**name).to_owned())
    }

    async fn validated(&mut self) -> Result<&[Box<str>], Stop> {
        if self.validated.is_none() {
            self.validated = Some(self.lookups.validated(self.client).await?);
        }
        Ok(self.validated.as_deref().unwrap_or_default())
    }

    /// The domain's explanation of a refusal: RFC 7208 section 6.2.
    async fn explanation(&mut self, spec: &str, domain: &str) -> Option<String> {
        let name = self.target(Some(spec), domain).await.ok()?;
        let texts = self.lookups.txt(&name).await.ok()?;
        let [text] = &*texts else {
            return None;
        };
        let text = str::from_utf8(text).ok()?;
        let words = text.split(' ').filter(|word| !word.is_empty());
        if !words.clone().all(super::macros::is_macro_string) {
            return None;
        }
        let validated = self.validated_for(text, domain).await.ok()?;
        let expanded = expand(text, &self.values(domain, &validated));
        let is_shown = |octet: u8| octet.is_ascii_graphic() || octet == b' ';
        let is_fit = expanded.len() <= EXPLANATION_MAX && expanded.bytes().all(is_shown);
        (is_fit && !expanded.is_empty()).then_some(expanded)
    }
}

/// Whether the first `bits` bits of two addresses are equal.
fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = Ipv4Addr::to_bits(address) ^ Ipv4Addr::to_bits(network);
            bits == 0 || differ.leading_zeros() >= u32::from(bits)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differ = Ipv6Addr::to_bits(address) ^ Ipv6Addr::to_bits(network);
            bits == 0 || differ.leading_zeros() >= u32::from(bits)
        }
        _ => false,
    }
}
