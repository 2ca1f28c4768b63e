//! The suite of openspf.org for RFC 7208, of release 2014.04. It comes with pyspf, which
//! `scripts/install-test-peers` unpacks.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{env, fs, net::IpAddr, path::Path, time::Duration};

use async_trait::async_trait;
use koukan_core::network::{DnsAnswer, LookupError, Mx, Resolver};
use koukan_mail_auth::spf::{Question, check_host};
use serde_json::{Map, Value};

/// More than any scenario needs.
const TIME: Duration = Duration::from_secs(20);

/// The scenarios of the suite.
fn suite() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = env::var_os("KOUKAN_PEERS").unwrap_or_else(|| "target/peers".into());
    let path = root
        .join(folder)
        .join("sources/pyspf/test/rfc7208-tests.yml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        let path = path.display();
        panic!("cannot read {path}: {error}; run scripts/install-test-peers")
    });
    serde_saphyr::from_multiple(&text).unwrap()
}

/// The DNS of a scenario.
#[derive(Debug)]
struct Zone(Map<String, Value>);

impl Zone {
    fn new(scenario: &Value) -> Self {
        let zone = scenario["zonedata"].as_object().unwrap().iter();
        Self(
            zone.map(|(name, records)| (name.to_lowercase(), records.clone()))
                .collect(),
        )
    }

    /// The records of a kind. Texts serve as SPF and TXT records if the scenario has no TXT
    /// records.
    fn find(&self, name: &str, kind: &str) -> Result<Vec<&Value>, LookupError> {
        let name = name.trim_end_matches('.').to_lowercase();
        let records = self.0.get(&name).ok_or(LookupError::NoSuchName)?;
        let records = records.as_array().unwrap();
        let of = |kind: &str| {
            let found = records.iter().filter_map(|record| record.get(kind));
            found.collect::<Vec<_>>()
        };
        let mut found = of(kind);
        if kind == "TXT" && found.is_empty() {
            found = of("SPF");
        }
        if let Some(target) = of("CNAME").first() {
            return match target.as_str().unwrap().trim_end_matches('.') {
                target if target.eq_ignore_ascii_case(&name) => {
                    Err(LookupError::failed("a loop of aliases"))
                }
                target => self.find(target, kind),
            };
        }
        found.retain(|value| *value != "NONE");
        let is_silent = records.iter().any(|record| record == "TIMEOUT");
        if (is_silent && found.is_empty()) || found.iter().any(|value| *value == "TIMEOUT") {
            return Err(LookupError::failed("nobody answers"));
        }
        Ok(found)
    }
}

#[async_trait]
impl Resolver for Zone {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        let mut all = self.find(host, "A")?;
        all.extend(self.find(host, "AAAA")?);
        let addresses = all
            .iter()
            .map(|value| value.as_str().unwrap().parse().unwrap());
        Ok(DnsAnswer::insecure(addresses))
    }

    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        let all = self.find(domain, "MX")?;
        let hosts = all.iter().map(|value| {
            let preference = u16::try_from(value[0].as_u64().unwrap()).unwrap();
            Mx::new(preference, value[1].as_str().unwrap())
        });
        Ok(DnsAnswer::insecure(hosts))
    }

    async fn txt(&self, name: &str) -> Result<DnsAnswer<Box<[u8]>>, LookupError> {
        let all = self.find(name, "TXT")?;
        let octets = |text: &Value| -> Vec<u8> {
            let chars = text.as_str().unwrap().chars();
            // Each character in the suite stands for an octet.
            chars
                .map(|char| u8::try_from(u32::from(char)).unwrap())
                .collect()
        };
        let texts = all.iter().map(|value| match value {
            Value::Array(strings) => strings.iter().flat_map(octets).collect(),
            text => octets(text).into(),
        });
        Ok(DnsAnswer::insecure(texts))
    }

    async fn ptr(&self, address: IpAddr) -> Result<DnsAnswer<Box<str>>, LookupError> {
        let name = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(address) => {
                let octets = address.octets().into_iter().rev();
                let digits = octets.flat_map(|octet| [octet & 15, octet >> 4]);
                let digits: Vec<_> = digits.map(|digit| format!("{digit:x}")).collect();
                format!("{}.ip6.arpa", digits.join("."))
            }
        };
        let all = self.find(&name, "PTR")?;
        Ok(DnsAnswer::insecure(
            all.iter().map(|value| value.as_str().unwrap().into()),
        ))
    }
}

#[tokio::test]
async fn every_case_of_the_suite() {
    let (mut count, mut wrong) = (0, Vec::new());
    for scenario in &suite() {
        let zone = Zone::new(scenario);
        for (name, case) in scenario["tests"].as_object().unwrap() {
            count += 1;
            let text = |key: &str| case[key].as_str().unwrap_or_default();
            let helo = text("helo");
            let (local, domain) = match text("mailfrom") {
                "" => ("", helo),
                from => from.rsplit_once('@').unwrap_or(("", from)),
            };
            let question = Question {
                client: text("host").parse().unwrap(),
                local,
                domain,
                helo,
                receiver: "receiver.example",
                now: 1_767_322_800,
            };
            let answer = check_host(&question, &zone, TIME).await;
            let expected = match &case["result"] {
                Value::Array(all) => all.clone(),
                one => vec![one.clone()],
            };
            let result = answer.result.as_str();
            let explained = answer.explanation.as_deref().unwrap_or("DEFAULT");
            let explanation = case["explanation"].as_str();
            if !expected.iter().any(|value| value == result)
                // Hexadecimal digits are lower-case in the standard, and upper-case here.
                || explanation.is_some_and(|text| !text.eq_ignore_ascii_case(explained))
            {
                wrong.push(format!(
                    "{name}: {result} ({explained}), not {expected:?} ({explanation:?})"
                ));
            }
        }
    }
    assert_eq!(count, 203);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
