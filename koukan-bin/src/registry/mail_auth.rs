//! The filters of `koukan-mail-auth`, and their configuration.

use std::{
    borrow::Cow,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use koukan_core::{
    filter::policy_action::{Facts, Matcher, Verdict, matchers::SignalMatcher},
    path::Domain,
    signals::DurableSignal,
};
use koukan_mail_auth::{
    authentication_results::AuthenticationResultsLayer,
    dkim::{DkimResult, SignatureSpec, SigningKey},
    dkim_check::{Dkim, DkimCheckLayer},
    dkim_sign::{Author, DkimSignLayer, Key, SharedKey},
    dmarc::{DmarcResult, Policy},
    dmarc_check::{Dmarc, DmarcCheckLayer},
    spf::SpfResult,
    spf_check::{Spf, SpfCheckLayer},
};
use serde::Deserialize;

use super::{InvalidFilter, Registry, Surroundings, text::check_domain};
use crate::{
    config::{HumanDuration, Step, instead},
    stamps::Stamps,
};

/// Adds them.
pub(super) fn register(registry: &mut Registry) {
    registry.try_filter("dkim_sign", dkim_sign);
    registry.try_filter("spf_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(spf_check(config, surroundings))
    });
    registry.try_filter("dkim_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(dkim_check(config, surroundings))
    });
    registry.try_filter("dmarc_check", |config, surroundings: &Surroundings| {
        Ok::<_, InvalidFilter>(dmarc_check(config, surroundings))
    });
    registry.try_filter("authentication_results", authentication_results);
    registry.signals("spf_check", [Spf::NAME]);
    registry.signals("dkim_check", [Dkim::NAME]);
    registry.signals("dmarc_check", [Dmarc::NAME]);
    registry.signals("authentication_results", []);
    registry.matcher("spf", spf);
    registry.matcher("dmarc", dmarc);
    registry.matcher("dkim", dkim);
}

/// Asks whether clients may send mail of the domains that they name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskSpf {
    /// For how long the DNS is waited for.
    timeout: Option<HumanDuration>,
}

fn spf_check(config: AskSpf, surroundings: &Surroundings) -> SpfCheckLayer {
    let (resolver, clock) = (surroundings.resolver.clone(), surroundings.clock.clone());
    let layer = SpfCheckLayer::new(&surroundings.hostname, resolver, clock);
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}

/// Verifies signatures.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyDkim {
    /// For how long the DNS is waited for.
    timeout: Option<HumanDuration>,
}

fn dkim_check(config: VerifyDkim, surroundings: &Surroundings) -> DkimCheckLayer {
    let (resolver, clock) = (surroundings.resolver.clone(), surroundings.clock.clone());
    let layer = DkimCheckLayer::new(resolver, clock).with_blobs(surroundings.blobs.clone());
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}

/// Asks authors' domains what they ask for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskDmarc {
    /// For how long the DNS is waited for.
    timeout: Option<HumanDuration>,
}

fn dmarc_check(config: AskDmarc, surroundings: &Surroundings) -> DmarcCheckLayer {
    let layer = DmarcCheckLayer::new(surroundings.resolver.clone());
    match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    }
}

/// Tells readers what was found out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tell {
    /// Who says so, in place of the agent's host name.
    authserv_id: Option<String>,
}

fn authentication_results(
    config: Tell,
    surroundings: &Surroundings,
) -> Result<AuthenticationResultsLayer, InvalidFilter> {
    let name = config.authserv_id.as_deref();
    let layer = AuthenticationResultsLayer::new(name.unwrap_or(&surroundings.hostname));
    layer.map_err(|error| at(error.to_string(), vec![key_step("authserv_id")]))
}

/// What DMARC says is one of these, and what the author's domain asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DmarcResults {
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

fn dmarc(config: DmarcResults) -> Result<DmarcMatcher, InvalidFilter> {
    let known = DmarcResult::ALL.map(DmarcResult::as_str);
    let results = Results {
        results: config.results,
    };
    let policy = config.policy.map(|policy| match policy {
        PolicyName::None => Policy::None,
        PolicyName::Quarantine => Policy::Quarantine,
        PolicyName::Reject => Policy::Reject,
    });
    Ok(DmarcMatcher {
        result: of_results("dmarc", &results, &known)?,
        policy: policy.map(|policy| {
            SignalMatcher::new("dmarc")
                .with_pointer("/policy")
                .with_values([policy.as_str().into()])
        }),
    })
}

/// Both are so.
#[derive(Debug)]
struct DmarcMatcher {
    result: SignalMatcher,
    policy: Option<SignalMatcher>,
}

impl Matcher for DmarcMatcher {
    fn signal(&self) -> Option<Cow<'_, str>> {
        self.result.signal()
    }

    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        match (self.result.matches(facts), &self.policy) {
            (Verdict::Match, Some(policy)) => policy.matches(facts),
            (verdict, _) => verdict,
        }
    }
}

fn dkim(config: Results) -> Result<SignalMatcher, InvalidFilter> {
    let known = DkimResult::ALL.map(DkimResult::as_str);
    of_results("dkim", &config, &known)
}

/// What was found out is one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Results {
    results: Vec<String>,
}

fn spf(config: Results) -> Result<SignalMatcher, InvalidFilter> {
    let known = SpfResult::ALL.map(SpfResult::as_str);
    of_results("spf", &config, &known)
}

/// A matcher of the results that a signal of that name has.
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

/// Signs messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    keys: Vec<KeyConfig>,
    /// Whose domain selects the keys.
    #[serde(default)]
    author: AuthorConfig,
    /// For how long signatures are valid.
    expires: Option<HumanDuration>,
    /// Header fields that are signed, and of which no other can be added.
    sealed_headers: Option<Vec<String>>,
    /// Header fields that are signed where they are there.
    signed_headers: Option<Vec<String>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum AuthorConfig {
    #[default]
    HeaderFrom,
    MailFrom,
}

/// A key, and for whom it signs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyConfig {
    domain: String,
    selector: String,
    file: PathBuf,
    /// Whether it signs for domains below that one, too.
    #[serde(default)]
    subdomains: bool,
    /// Whether it signs for every author.
    #[serde(default)]
    any_author: bool,
}

fn dkim_sign(config: Sign, surroundings: &Surroundings) -> Result<DkimSignLayer, InvalidFilter> {
    if config.keys.is_empty() {
        let text = "without a key nothing is signed: add one, which `koukan dkim-key` makes";
        return Err(at(text, vec![key_step("keys")]));
    }
    let keys = config.keys.iter().enumerate().map(|(index, key)| {
        let place = |name| vec![key_step("keys"), Step::Item(index), key_step(name)];
        one_key(key, &config, surroundings).map_err(|(message, name)| at(message, place(name)))
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let mut seen = Vec::new();
    for (index, key) in config.keys.iter().enumerate() {
        let name = format!("{}._domainkey.{}", key.selector, key.domain).to_ascii_lowercase();
        if seen.contains(&name) {
            let text = format!("there is a key at {name} already: leave one of them");
            let place = vec![key_step("keys"), Step::Item(index), key_step("selector")];
            return Err(at(text, place));
        }
        seen.push(name);
    }
    let author = match config.author {
        AuthorConfig::HeaderFrom => Author::HeaderFrom,
        AuthorConfig::MailFrom => Author::MailFrom,
    };
    let layer = DkimSignLayer::new(keys, surroundings.clock.clone())
        .with_author(author)
        .with_pools(surroundings.blobs.clone(), surroundings.blocking.clone());
    Ok(layer)
}

/// Makes a key of its configuration, or tells what is wrong and with which of its parts.
fn one_key(
    key: &KeyConfig,
    config: &Sign,
    surroundings: &Surroundings,
) -> Result<Key, (String, &'static str)> {
    check_domain(&key.domain).map_err(|text| (text, "domain"))?;
    if !key.domain.is_ascii() || key.domain.starts_with('[') {
        let text = format!(
            "`{}` cannot stand in a signature: write the domain in ASCII, as it is in the DNS",
            key.domain
        );
        return Err((text, "domain"));
    }
    let is_name = Domain::check(&key.selector).is_ok() && key.selector.is_ascii();
    if !is_name || key.selector.starts_with('[') || key.selector.contains("_domainkey") {
        let text = format!(
            "`{}` is no selector: it is what stands before `._domainkey` in the DNS, as in `s1`",
            key.selector
        );
        return Err((text, "selector"));
    }
    let mut spec = SignatureSpec::new(key.domain.to_ascii_lowercase(), &*key.selector);
    if let Some(names) = &config.sealed_headers {
        spec = spec.with_sealed(names.iter().map(String::as_str));
    }
    if let Some(names) = &config.signed_headers {
        spec = spec.with_signed(names.iter().map(String::as_str));
    }
    if let Some(HumanDuration(lifetime)) = config.expires {
        spec = spec.with_lifetime(lifetime.as_secs().max(1));
    }
    let stamps = Stamps::new([key.file.clone()]);
    let secret = read(&key.file).map_err(|text| (text, "file"))?;
    let shared = SharedKey::new(secret);
    let replaced = shared.clone();
    surroundings.followed.follow(stamps, move |file| {
        let file_name = file.display();
        match read(file) {
            Ok(secret) => {
                replaced.replace(secret);
                tracing::info!(file = %file_name, "a key of DKIM was read anew");
            }
            Err(error) => {
                tracing::warn!(error, "cannot read a key of DKIM anew, the old one stays");
            }
        }
    });
    let mut made = Key::new(spec, shared);
    if key.subdomains {
        made = made.with_subdomains();
    }
    if key.any_author {
        made = made.for_all();
    }
    Ok(made)
}

/// Reads a key, which nobody else may read.
fn read(file: &Path) -> Result<SigningKey, String> {
    let shown = file.display();
    let cannot = |error: io::Error| format!("cannot read {shown}: {error}");
    let mode = fs::metadata(file).map_err(cannot)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(format!(
            "{shown} is open to everybody, and whoever reads it can sign: say `chmod o= {shown}`"
        ));
    }
    let text = fs::read(file).map_err(cannot)?;
    SigningKey::from_pem(&text).map_err(|error| format!("{shown}: {error}"))
}

fn key_step(name: &str) -> Step {
    Step::Key(name.into())
}

fn at(message: impl Into<String>, at: Vec<Step>) -> InvalidFilter {
    InvalidFilter {
        at,
        ..InvalidFilter::new(message)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use koukan_core::test_util::{Script, mail, rcpt, send};
    use koukan_mail_auth::dkim::Algorithm;
    use serde_json::json;
    use tower::Layer;

    use super::*;

    fn write(file: &Path, algorithm: Algorithm) {
        let (_, pem) = SigningKey::generate(algorithm).unwrap();
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(file).unwrap();
        io::Write::write_all(&mut file, pem.as_bytes()).unwrap();
    }

    async fn signed(layer: &DkimSignLayer) -> String {
        let upstream = Script::new();
        let service = layer.layer(upstream.clone());
        let message = "From: a@example.com\r\n\r\nhello\r\n";
        let outcome = send(service, mail("a@example.com"), [rcpt("b@y")], message).await;
        assert!(outcome.message.unwrap().is_positive());
        String::from_utf8(upstream.received()[0].body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_key_whose_file_has_changed_signs_from_then_on_unless_it_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        write(&file, Algorithm::Ed25519);
        let surroundings = Surroundings::new("mx.example.com");
        let config = json!({
            "keys": [{"domain": "example.com", "selector": "s", "file": file}],
            "expires": "2d",
        });
        let config = serde_json::from_value(config).unwrap();
        let layer = dkim_sign(config, &surroundings).unwrap();
        assert!(signed(&layer).await.contains("a=ed25519-sha256;"));
        assert!(signed(&layer).await.contains(" x="));
        write(&file, Algorithm::Rsa);
        surroundings.followed.look();
        assert!(signed(&layer).await.contains("a=rsa-sha256;"));
        fs::write(&file, "half a key").unwrap();
        surroundings.followed.look();
        assert!(signed(&layer).await.contains("a=rsa-sha256;"));
    }
}
