//! Reads the answers of DNS servers, and whether they are proved.
//!
//! Only records at the queried name, or at the name that it is an alias of, are read. An answer is proved
//! only if all of them are, and every alias on the way.

use std::time::Duration;

use hickory_resolver::{
    lookup::Lookup,
    net::{DnsError, NetError, NoRecords},
    proto::{
        dnssec::Proof as Dnssec,
        op::ResponseCode,
        rr::{Name, RData, Record, RecordType},
    },
};

use super::{Alias, DnsAnswer, LookupError, Proof};

/// Reads the records of the queried kind. `asked` is the queried name, where it was queried unchanged.
pub(super) fn answer<T>(
    asked: Option<&Name>,
    found: Result<Lookup, NetError>,
    read: impl Fn(&RData) -> Option<T>,
) -> Result<DnsAnswer<T>, LookupError> {
    let found = match found {
        Ok(found) => found,
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            if is_of_another_zone(&none) {
                return Err(LookupError::failed("another zone is said to have nothing"));
            }
            let is_proved = none.authorities.as_deref().is_some_and(proves_nothing);
            return match nothing(none.response_code, is_proved) {
                Some(nothing) => nothing,
                None => Err(LookupError::failed(NetError::from(none))),
            };
        }
        // The proof by the zone costs too much to check: RFC 9276 section 3.2.
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
    if wanted().next().is_none() {
        // A negative answer has another form.
        return Err(LookupError::failed("the answer is of another name"));
    }
    let ttl = |record: &Record| Duration::from_secs(record.ttl.into());
    let ttl = wanted().chain(path.aliases.iter().copied()).map(ttl).min();
    let mut records = wanted().chain(path.aliases.iter().copied()).peekable();
    let is_proved = path.is_whole
        && records.peek().is_some()
        && records.all(|record| record.proof == Dnssec::Secure);
    let records = wanted().filter_map(|record| read(&record.data));
    let answer = match is_proved {
        true => DnsAnswer::secure(records),
        false => DnsAnswer::insecure(records),
    };
    let answer = answer.with_alias(path.alias());
    Ok(match ttl {
        Some(ttl) => answer.with_ttl(ttl),
        None => answer,
    })
}

/// The way from the queried name to the name that it is an alias of.
struct Path<'a> {
    end: &'a Name,
    aliases: Vec<&'a Record>,
    /// Whether it begins with the queried name.
    is_whole: bool,
}

impl<'a> Path<'a> {
    /// If there is no record for the queried name, the way begins with the name that was looked up
    /// last.
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
        // No more steps than records: aliases may form a circle.
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

/// Whether the zone is unsigned and not the one that the name is in. An attacker could add such a zone to hide
/// the content of a signed one.
fn is_of_another_zone(none: &NoRecords) -> bool {
    let authorities = none.authorities.iter().flat_map(|records| records.iter());
    let authorities = authorities.map(|record| (&record.name, record.proof));
    let zone = none.soa.iter().map(|zone| (&zone.name, zone.proof));
    let unsigned = authorities.chain(zone);
    let mut unsigned = unsigned.filter(|(_, proof)| *proof == Dnssec::Insecure);
    let is_of_name = |name: &Name| name.zone_of(none.query.name());
    let first = unsigned.next();
    first
        .is_some_and(|(first, _)| !is_of_name(first) && !unsigned.any(|(name, _)| is_of_name(name)))
}

/// Whether the answer is negative without naming a zone: an attacker could hide the content of a signed
/// zone in this way.
pub(super) fn is_unfounded(found: &Result<Lookup, NetError>) -> bool {
    match found {
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            none.authorities.is_none() && none.soa.is_none()
        }
        _ => false,
    }
}

/// Whether there is nothing, and no zone says so. Some servers leave that out; but the library also gives this as the
/// result for a name whose aliases it has followed in vain.
pub(super) fn may_be_endless(found: &Result<Lookup, NetError>) -> bool {
    match found {
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
            none.authorities.is_none() && none.response_code == ResponseCode::NoError
        }
        _ => false,
    }
}

/// The name that the queried name is an alias of.
pub(super) fn alias_of(found: &Lookup) -> Option<&Name> {
    let name = found.query().name();
    let mut aliases = found
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::CNAME(target) if record.name.eq_ignore_root(name) => Some(&target.0),
            _ => None,
        });
    aliases.next()
}

/// A negative answer, by its code.
fn nothing<T>(code: ResponseCode, is_proved: bool) -> Option<Result<DnsAnswer<T>, LookupError>> {
    match code {
        ResponseCode::NoError if is_proved => Some(Ok(DnsAnswer::secure([]))),
        ResponseCode::NoError => Some(Ok(DnsAnswer::insecure([]))),
        ResponseCode::NXDomain => Some(Err(LookupError::NoSuchName)),
        _ => None,
    }
}

/// Whether the records prove a negative answer.
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

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{
        op::Query,
        rr::rdata::{CNAME, NS, TXT},
    };

    use super::*;

    const NAME: &str = "_25._tcp.mx.d.example.";

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("it is a name")
    }

    fn query() -> Query {
        Query::query(name(NAME), RecordType::TXT)
    }

    fn record(at: &str, data: RData, proof: Dnssec) -> Record {
        let mut record = Record::from_rdata(name(at), 300, data);
        record.proof = proof;
        record
    }

    /// How many records there are, and whether they are proved.
    fn read(found: Result<Lookup, NetError>) -> String {
        let read = |data: &RData| matches!(data, RData::TXT(_)).then_some(());
        match answer(Some(&name(NAME)), found, read) {
            Ok(answer) => format!("{} {:?}", answer.records.len(), answer.proof),
            Err(LookupError::NoSuchName) => "no such name".to_owned(),
            Err(_) => "failed".to_owned(),
        }
    }

    #[test]
    fn that_another_zone_has_nothing_says_nothing() {
        let zone = |at: &str, proof| record(at, RData::NS(NS(name("ns.example."))), proof);
        for code in [ResponseCode::NoError, ResponseCode::NXDomain] {
            let nothing = match code {
                ResponseCode::NoError => "0 Insecure",
                _ => "no such name",
            };
            for (authorities, expected) in [
                (vec![], nothing),
                (vec![zone("D.example.", Dnssec::Insecure)], nothing),
                (vec![zone(NAME, Dnssec::Insecure)], nothing),
                (vec![zone("other.example.", Dnssec::Insecure)], "failed"),
                (
                    vec![zone("x._tcp.mx.d.example.", Dnssec::Insecure)],
                    "failed",
                ),
                (
                    vec![
                        zone("other.example.", Dnssec::Insecure),
                        zone("d.example.", Dnssec::Insecure),
                    ],
                    nothing,
                ),
                // Nobody has looked.
                (vec![zone("other.example.", Dnssec::Indeterminate)], nothing),
            ] {
                let mut none = NoRecords::new(query(), code);
                none.authorities = (!authorities.is_empty()).then(|| authorities.clone().into());
                let found = Err(NetError::from(none));
                assert_eq!(is_unfounded(&found), authorities.is_empty());
                assert_eq!(read(found), expected, "{code} {authorities:?}");
            }
        }
    }

    #[test]
    fn an_answer_of_another_name_is_none() {
        let text = |at, proof| record(at, RData::TXT(TXT::new(vec!["a".into()])), proof);
        let alias = |at, proof| record(at, RData::CNAME(CNAME(name("end.example."))), proof);
        for (records, expected) in [
            (vec![], "failed"),
            (vec![text("other.example.", Dnssec::Secure)], "failed"),
            (vec![alias(NAME, Dnssec::Secure)], "failed"),
            (vec![text(NAME, Dnssec::Secure)], "1 Secure"),
            (vec![text(NAME, Dnssec::Insecure)], "1 Insecure"),
            (
                vec![
                    alias(NAME, Dnssec::Secure),
                    text("end.example.", Dnssec::Secure),
                    text("other.example.", Dnssec::Insecure),
                ],
                "1 Secure",
            ),
            (
                vec![
                    alias(NAME, Dnssec::Insecure),
                    text("end.example.", Dnssec::Secure),
                ],
                "1 Insecure",
            ),
        ] {
            let found = Lookup::new_with_max_ttl(query(), records.clone());
            assert_eq!(read(Ok(found)), expected, "{records:?}");
        }
    }
}
