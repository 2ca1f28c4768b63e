//! Matchers for the results of mail authentication.

use std::borrow::Cow;

use koukan_core::filter::policy_action::{Facts, Matcher, Verdict, matchers::SignalMatcher};
use koukan_mail_auth::{
    arc::ArcResult,
    dkim::DkimResult,
    dmarc::{DmarcResult, Policy},
    spf::SpfResult,
};
use serde::Deserialize;

use super::{InvalidFilter, at, key_step};
use crate::{
    config::{Step, instead},
    registry::text::RecipientDomain,
};

/// The result is one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Results {
    results: Vec<String>,
}

pub(super) fn spf(config: Results) -> Result<SignalMatcher, InvalidFilter> {
    let known = SpfResult::ALL.map(SpfResult::as_str);
    of_results("spf", &config, &known)
}

pub(super) fn dkim(config: Results) -> Result<SignalMatcher, InvalidFilter> {
    let known = DkimResult::ALL.map(DkimResult::as_str);
    of_results("dkim", &config, &known)
}

/// The result of DMARC is one of these, and so is the policy of the author's domain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DmarcResults {
    results: Vec<String>,
    policy: Option<PolicyName>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum PolicyName {
    None,
    Quarantine,
    Reject,
}

pub(super) fn dmarc(config: DmarcResults) -> Result<BothMatcher, InvalidFilter> {
    let known = DmarcResult::ALL.map(DmarcResult::as_str);
    let results = Results {
        results: config.results,
    };
    let policy = config.policy.map(|policy| match policy {
        PolicyName::None => Policy::None,
        PolicyName::Quarantine => Policy::Quarantine,
        PolicyName::Reject => Policy::Reject,
    });
    Ok(BothMatcher {
        result: of_results("dmarc", &results, &known)?,
        other: policy.map(|policy| {
            SignalMatcher::new("dmarc")
                .with_pointer("/policy")
                .with_values([policy.as_str().into()])
        }),
    })
}

/// The result of the ARC chain is one of these, and so is the last forwarder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArcResults {
    results: Vec<String>,
    domains: Option<Vec<RecipientDomain>>,
}

pub(super) fn arc(config: ArcResults) -> Result<BothMatcher, InvalidFilter> {
    let known = ArcResult::ALL.map(ArcResult::as_str);
    let results = Results {
        results: config.results,
    };
    if config.domains.as_ref().is_some_and(Vec::is_empty) {
        let text = "it never matches: add a domain, or leave it out";
        return Err(at(text, vec![key_step("domains")]));
    }
    let domains = config.domains.iter().flatten().enumerate();
    for (index, RecipientDomain(domain)) in domains {
        if !domain.is_ascii() {
            let text =
                format!("`{domain}` matches nothing: write it as the DNS has it, as in `xn--…`");
            return Err(at(text, vec![key_step("domains"), Step::Item(index)]));
        }
    }
    let result = of_results("arc", &results, &known)?;
    let other = config.domains.map(|domains| {
        let domains = domains.into_iter();
        SignalMatcher::new("arc")
            .with_pointer("/domain")
            .with_values(domains.map(|domain| (&*domain.0).into()))
    });
    Ok(BothMatcher { result, other })
}

/// Both matchers match.
#[derive(Debug)]
pub(super) struct BothMatcher {
    result: SignalMatcher,
    other: Option<SignalMatcher>,
}

impl Matcher for BothMatcher {
    fn signal(&self) -> Option<Cow<'_, str>> {
        self.result.signal()
    }

    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        match (self.result.matches(facts), &self.other) {
            (Verdict::Match, Some(other)) => other.matches(facts),
            (verdict, _) => verdict,
        }
    }
}

/// A matcher for the results in a signal with that name.
fn of_results(
    signal: &str,
    config: &Results,
    known: &[&str],
) -> Result<SignalMatcher, InvalidFilter> {
    let step = || vec![key_step("results")];
    if config.results.is_empty() {
        let text = format!(
            "it never matches: name results, as in `[{}]`",
            known.join(", ")
        );
        return Err(at(text, step()));
    }
    for (index, result) in config.results.iter().enumerate() {
        if !known.contains(&&**result) {
            let help = instead("result", result, known.iter().copied());
            let place = [step(), vec![Step::Item(index)]].concat();
            return Err(at(format!("unknown result `{result}`: {help}"), place));
        }
    }
    let values = config.results.iter().map(|result| result.as_str().into());
    Ok(SignalMatcher::new(signal)
        .with_pointer("/result")
        .with_values(values))
}
