//! MTA-STS records and policies as text.

use std::time::Duration;

/// The longest time for which a policy may be in force: about a year.
const MAX_AGE: u64 = 31_557_600;

/// The most host patterns in a policy; further ones are ignored.
const PATTERNS_MAX: usize = 200;

/// What a domain demands of those who send mail to its mail hosts.
///
/// *Source*: RFC 8461 section 3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MtaStsPolicy {
    pub(super) mode: MtaStsMode,
    pub(super) max_age: Duration,
    /// In lower case; `*.` stands for one label.
    patterns: Vec<Box<str>>,
}

/// What happens to mail that cannot be sent as a policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MtaStsMode {
    /// It is not sent.
    Enforce,
    /// It is sent nevertheless, and the failure is reported.
    Testing,
    /// There is no longer a policy.
    None,
}

impl MtaStsPolicy {
    /// Reads a policy; `None` if the text is not one. Unknown fields are ignored.
    ///
    /// *Source*: RFC 8461 section 3.2.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut version, mut mode, mut max_age) = (None, None, None);
        let mut patterns = Vec::new();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim());
            match key {
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(value)),
                "max_age" => max_age = max_age.or(Some(value)),
                "mx" if patterns.len() < PATTERNS_MAX && value.len() <= 255 => {
                    patterns.push(value.trim_end_matches('.').to_ascii_lowercase().into());
                }
                // Unknown fields are ignored.
                _ => {}
            }
        }
        let mode = match mode? {
            "enforce" => MtaStsMode::Enforce,
            "testing" => MtaStsMode::Testing,
            "none" => MtaStsMode::None,
            _ => return None,
        };
        let max_age: u64 = max_age?.parse().ok().filter(|age| *age <= MAX_AGE)?;
        let is_whole =
            version == Some("STSv1") && (mode == MtaStsMode::None || !patterns.is_empty());
        is_whole.then_some(Self {
            mode,
            max_age: Duration::from_secs(max_age),
            patterns,
        })
    }

    /// What happens to mail that cannot be sent as the policy says.
    pub fn mode(&self) -> MtaStsMode {
        self.mode
    }

    /// How long it may be cached.
    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Whether the policy names that host, which is given in ASCII.
    ///
    /// *Source*: RFC 8461 section 4.1.
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.patterns
            .iter()
            .any(|pattern| match pattern.strip_prefix("*.") {
                Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
                None => **pattern == *host,
            })
    }

    /// The approximate number of octets that it takes in the cache.
    pub(super) fn weight(&self) -> usize {
        self.patterns.iter().map(|pattern| pattern.len() + 16).sum()
    }
}

/// The id of the policy that the records of `_mta-sts` announce; `None` if they announce none, or several.
///
/// *Source*: RFC 8461 section 3.1.
pub(super) fn id_of(records: &[Box<[u8]>]) -> Option<Box<str>> {
    let mut records = records.iter().filter_map(|record| fields_of(record));
    let (fields, None) = (records.next()?, records.next()) else {
        return None;
    };
    let id = str::from_utf8(fields).ok()?.split(';').find_map(|field| {
        let (key, value) = field.split_once('=')?;
        (key.trim() == "id").then(|| value.trim())
    })?;
    let is_id =
        (1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric());
    is_id.then(|| id.into())
}

/// The fields after the version, if it is an MTA-STS record.
fn fields_of(record: &[u8]) -> Option<&[u8]> {
    let rest = record.strip_prefix(b"v=STSv1")?;
    rest.trim_ascii_start().strip_prefix(b";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Option<MtaStsPolicy> {
        MtaStsPolicy::parse(text)
    }

    #[test]
    fn a_policy_is_whole_or_none() {
        let whole = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
                     mx: *.Example.net\r\nother: x\r\nmax_age: 604800\r\n";
        let read = policy(whole).unwrap();
        assert_eq!(read.mode, MtaStsMode::Enforce);
        assert_eq!(read.max_age, Duration::from_secs(604_800));
        assert!(policy(&whole.replace("\r\n", "\n")).is_some());
        for (part, other) in [
            ("STSv1", "STSv2"),
            ("version: STSv1\r\n", ""),
            ("mode: enforce", "mode: strict"),
            ("mode: enforce\r\n", ""),
            ("max_age: 604800\r\n", ""),
            ("604800", "31557601"),
            ("604800", "-1"),
            ("mx: ", "mxx: "),
        ] {
            let text = whole.replace(part, other);
            assert_eq!(policy(&text), None, "{text}");
        }
        let none = "version: STSv1\nmode: none\nmax_age: 0\n";
        assert_eq!(policy(none).unwrap().mode, MtaStsMode::None);
        assert_eq!(policy(""), None);
        assert_eq!(policy("\u{0}:\u{7f}\n::\n:"), None);
    }

    #[test]
    fn a_pattern_stands_for_one_label_at_most() {
        let text = "version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.example\nmx: *.b.example\n";
        let policy = policy(text).unwrap();
        for (host, expected) in [
            ("a.example", true),
            ("A.Example.", true),
            ("x.a.example", false),
            ("b.example", false),
            ("x.b.example", true),
            ("x.y.b.example", false),
            ("xb.example", false),
            ("", false),
        ] {
            assert_eq!(policy.names(host), expected, "{host}");
        }
    }

    #[test]
    fn records_tell_of_one_policy_or_none() {
        for (records, expected) in [
            (
                &["v=STSv1; id=20160831085700Z;"][..],
                Some("20160831085700Z"),
            ),
            (&["v=STSv1;id=a"], Some("a")),
            (&["v=spf1 -all", "v=STSv1; x=y; id=1"], Some("1")),
            (&["v=STSv1; id=1", "v=STSv1; id=2"], None),
            (&["v=STSv1; id=a-b"], None),
            (&["v=STSv1; id="], None),
            (&["v=STSv1"], None),
            (&["v=STSv10; id=1"], None),
            (&["v=STSv10; id=1", "v=STSv1", "v=STSv1 ; id=2"], Some("2")),
            (&["id=1; v=STSv1"], None),
            (&["v=STSv1; id=123456789012345678901234567890123"], None),
            (&[], None),
        ] {
            let records: Vec<Box<[u8]>> = records.iter().map(|one| one.as_bytes().into()).collect();
            assert_eq!(id_of(&records).as_deref(), expected, "{records:?}");
        }
    }
}
