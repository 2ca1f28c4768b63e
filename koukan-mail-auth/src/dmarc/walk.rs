//! The DNS tree walk: RFC 9989 section 4.10.

use koukan_core::network::{LookupError, Resolver};

use super::record::Record;
use crate::domain::is_name;

/// How many labels a domain above the first one may have, to be asked.
const LABELS_MAX: usize = 7;

/// The DNS does not answer, so nothing is known for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

/// The records found on the way up from a domain.
#[derive(Debug)]
pub(super) struct Walk {
    /// The domains that have a record, from the bottom up.
    found: Vec<(String, Record)>,
    start: String,
}

impl Walk {
    /// Asks from a domain upwards, until a record says whether its domain is a public suffix.
    pub(super) async fn up_from(domain: &str, resolver: &dyn Resolver) -> Result<Self, Unknown> {
        let mut found = Vec::new();
        let mut rest = Some(domain);
        while let Some(at) = rest {
            if let Some(record) = record(at, resolver).await? {
                let is_end = record.is_public_suffix.is_some();
                found.push((at.to_owned(), record));
                if is_end {
                    break;
                }
            }
            rest = above(at);
        }
        Ok(Self {
            found,
            start: domain.to_owned(),
        })
    }

    /// The organizational domain of the domain where the walk began.
    pub(super) fn organization(&self) -> &str {
        for (domain, record) in &self.found {
            match record.is_public_suffix {
                Some(false) => return domain,
                Some(true) if *domain != self.start => return self.below(domain),
                _ => {}
            }
        }
        self.found.last().map_or(&self.start, |(domain, _)| domain)
    }

    /// The record that applies to the domain where the walk began, and the record's domain.
    pub(super) fn record(&self) -> Option<(&str, &Record)> {
        let organization = self.organization();
        let at = |wanted: &str| self.found.iter().find(|(domain, _)| domain == wanted);
        let suffix = || self.found.last();
        let found = at(&self.start).or_else(|| at(organization)).or_else(suffix);
        found.map(|(domain, record)| (&**domain, record))
    }

    /// The domain with one label more than `domain`, on the way to the start of the walk.
    fn below(&self, domain: &str) -> &str {
        let before = self.start.len().saturating_sub(domain.len() + 1);
        let label = self.start[..before].rfind('.').map_or(0, |dot| dot + 1);
        &self.start[label..]
    }
}

/// The next domain on the way up, with at most seven labels.
fn above(domain: &str) -> Option<&str> {
    let labels = domain.split('.').count();
    let dropped = match labels > LABELS_MAX {
        true => labels - LABELS_MAX,
        false => 1,
    };
    let (at, _) = domain.match_indices('.').nth(dropped - 1)?;
    Some(&domain[at + 1..])
}

async fn record(domain: &str, resolver: &dyn Resolver) -> Result<Option<Record>, Unknown> {
    let name = format!("_dmarc.{domain}");
    if !is_name(&name) {
        return Ok(None);
    }
    let texts = match resolver.txt(&name).await {
        Ok(answer) => answer.records,
        Err(LookupError::NoSuchName) => return Ok(None),
        Err(_) => return Err(Unknown),
    };
    let mut records = texts.iter().filter_map(|text| Record::parse(text));
    // Several records count as none.
    let first = records.next();
    Ok(first.filter(|_| records.next().is_none()))
}

#[cfg(test)]
mod tests {
    use koukan_core::test_util::ScriptedResolver;

    use super::*;

    async fn organization(domain: &str, records: &[(&str, &str)]) -> (String, Vec<String>) {
        let mut resolver = ScriptedResolver::new();
        for (name, tags) in records {
            let text = format!("v=DMARC1; p=none; {tags}");
            let text: [Box<[u8]>; 1] = [text.into_bytes().into()];
            resolver = resolver.with_txt(&format!("_dmarc.{name}"), text);
        }
        let walk = Walk::up_from(domain, &resolver).await.unwrap();
        (walk.organization().to_owned(), resolver.asked())
    }

    #[tokio::test]
    async fn who_is_responsible() {
        for (domain, records, expected) in [
            ("a.example.com", &[][..], "a.example.com"),
            ("a.example.com", &[("example.com", "")], "example.com"),
            (
                "a.example.com",
                &[("a.example.com", ""), ("example.com", "")],
                "example.com",
            ),
            (
                "a.example.com",
                &[("a.example.com", "psd=n"), ("example.com", "")],
                "a.example.com",
            ),
            ("a.b.co.example", &[("co.example", "psd=y")], "b.co.example"),
            (
                "a.b.co.example",
                &[("b.co.example", ""), ("co.example", "psd=y")],
                "b.co.example",
            ),
            ("co.example", &[("co.example", "psd=y")], "co.example"),
            ("a.b.example", &[("example", "psd=y")], "b.example"),
        ] {
            assert_eq!(
                organization(domain, records).await.0,
                expected,
                "{domain} {records:?}"
            );
        }
    }

    /// RFC 9989 section 4.10: at most eight queries.
    #[tokio::test]
    async fn long_names_are_shortened() {
        let (_, asked) = organization("a.b.c.d.e.f.g.h.i.j.mail.example.com", &[]).await;
        let expected = [
            "a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "g.h.i.j.mail.example.com",
            "h.i.j.mail.example.com",
            "i.j.mail.example.com",
            "j.mail.example.com",
            "mail.example.com",
            "example.com",
            "com",
        ];
        assert_eq!(asked, expected.map(|name| format!("TXT _dmarc.{name}")));
    }
}
