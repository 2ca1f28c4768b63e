//! What DNS servers have answered, and whether the DNS proves it.
//!
//! Only records that stand under the name that was asked for, or under the name that it is an alias of, are
//! read. All of them must be proved, and each alias on the way, for the answer to be.

use std::time::Duration;

use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError},
    proto::{
        dnssec::Proof as Dnssec,
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};

use super::{Alias, Answer, LookupError, Proof};

/// Reads the records of the kind that is asked for; `asked` is the name, where it was asked for as it is.
pub(super) fn answer<T>(
    asked: Option<&Name>,
    found: Result<Lookup, NetError>,
    read: impl Fn(&RData) -> Option<T>,
) -> Result<Answer<T>, LookupError> {
    let found = match found {
        Ok(found) => found,
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            let is_proved = none.authorities.as_deref().is_some_and(proves_nothing);
            return match nothing(none.response_code, is_proved) {
                Some(nothing) => nothing,
                None => Err(LookupError::failed(NetError::from(none))),
            };
        }
        // The zone's own way of saying so costs too much to be looked at: RFC 9276 section 3.2.
        Err(NetError::Dns(DnsError::Nsec {
            response, proof, ..
        })) if proof == Dnssec::Insecure && response.answers.is_empty() => {
            let nothing = nothing(response.response_code, false);
            return nothing.unwrap_or_else(|| Err(LookupError::failed("no proof can be had")));
        }
        Err(error) => return Err(LookupError::failed(error)),
    };
    let answers = found.answers();
    let path = Path::through(asked, found.query().name(), answers);
    let is_wanted = |record: &&Record| {
        record.record_type() != RecordType::RRSIG && record.name.eq_ignore_root(path.end)
    };
    let wanted = || answers.iter().filter(is_wanted);
    let ttl = |record: &Record| Duration::from_secs(record.ttl.into());
    let ttl = wanted().chain(path.aliases.iter().copied()).map(ttl).min();
    let mut records = wanted().chain(path.aliases.iter().copied()).peekable();
    let is_proved = path.is_whole
        && records.peek().is_some()
        && records.all(|record| record.proof == Dnssec::Secure);
    let records = wanted().filter_map(|record| read(&record.data));
    let answer = match is_proved {
        true => Answer::secure(records),
        false => Answer::insecure(records),
    };
    let answer = answer.with_alias(path.alias());
    Ok(match ttl {
        Some(ttl) => answer.with_ttl(ttl),
        None => answer,
    })
}

/// From the name that was asked for to the one that it is an alias of.
struct Path<'a> {
    end: &'a Name,
    aliases: Vec<&'a Record>,
    /// Whether it begins with the name that was asked for.
    is_whole: bool,
}

impl<'a> Path<'a> {
    /// Where nothing is said of the name itself, it begins with the one that was looked up last.
    fn through(asked: Option<&'a Name>, last: &'a Name, answers: &'a [Record]) -> Self {
        let is_named = |name: &&Name| {
            let mut names = answers.iter().map(|record| &record.name);
            names.any(|it| it.eq_ignore_root(name))
        };
        let asked = asked.filter(is_named);
        let mut path = Self {
            end: asked.unwrap_or(last),
            aliases: Vec::new(),
            is_whole: asked.is_some(),
        };
        // No more than there are: they may lead in a circle.
        for _ in answers {
            let alias = answers.iter().find_map(|record| match &record.data {
                RData::CNAME(target) if record.name.eq_ignore_root(path.end) => {
                    Some((record, &target.0))
                }
                _ => None,
            });
            let Some((record, target)) = alias else {
                break;
            };
            path.aliases.push(record);
            path.end = target;
        }
        path
    }

    fn alias(&self) -> Option<Alias> {
        let first = self.aliases.first()?;
        Some(Alias {
            of: text(self.end).into(),
            proof: match self.is_whole && first.proof == Dnssec::Secure {
                true => Proof::Secure,
                false => Proof::Insecure,
            },
        })
    }
}

/// That there is nothing, where the code says that.
fn nothing<T>(code: ResponseCode, is_proved: bool) -> Option<Result<Answer<T>, LookupError>> {
    match code {
        ResponseCode::NoError if is_proved => Some(Ok(Answer::secure([]))),
        ResponseCode::NoError => Some(Ok(Answer::insecure([]))),
        ResponseCode::NXDomain => Some(Err(LookupError::NoSuchName)),
        _ => None,
    }
}

/// Whether records of a zone that has nothing have been found to prove that.
fn proves_nothing(records: &[Record]) -> bool {
    let of_zone = records
        .iter()
        .filter(|record| record.record_type() != RecordType::RRSIG);
    let mut kinds = of_zone.clone().map(Record::record_type);
    kinds.any(|kind| matches!(kind, RecordType::NSEC | RecordType::NSEC3))
        && of_zone.clone().all(|record| record.proof == Dnssec::Secure)
}

/// A name without a final dot.
pub(super) fn text(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}
