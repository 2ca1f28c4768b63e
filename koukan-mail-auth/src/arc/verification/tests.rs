//! Forged chains, chains that are costly to verify, and chains of the largest permitted size.

use base64::{Engine, engine::general_purpose::STANDARD};
use koukan_core::test_util::ScriptedResolver;

use super::*;
use crate::dkim::{Algorithm, Canonicalization, Field, SigningKey, fields};

const NOW: u64 = 1_767_322_800;
const MESSAGE: &str = "From: a@a.example\r\nSubject: x\r\n\r\nhello\r\n";

/// A chain whose sealers all use one key.
struct Chain {
    key: SigningKey,
    message: String,
    sets: usize,
}

impl Chain {
    fn new() -> Self {
        Self {
            key: SigningKey::generate(Algorithm::Ed25519).unwrap().0,
            message: MESSAGE.to_owned(),
            sets: 0,
        }
    }

    fn signature(&self, octets: &[u8]) -> String {
        STANDARD.encode(self.key.sign(octets).unwrap())
    }

    /// Adds a set of `domain`, with these tags in its signature and results of this length.
    fn with(mut self, domain: &str, tags: &str, length: usize) -> Self {
        let how = Canonicalization::Relaxed;
        self.sets += 1;
        let instance = self.sets;
        let (section, body) = self.message.split_once("\r\n\r\n").unwrap();
        let section = format!("{section}\r\n");
        let mut hasher = BodyHasher::new(how);
        hasher.update(body.as_bytes());
        let hash = STANDARD.encode(hasher.finish().sha256);
        let results = format!(
            "ARC-Authentication-Results: i={instance}; x{}",
            "y".repeat(length)
        );
        let signature = format!(
            "ARC-Message-Signature: i={instance}; a=ed25519-sha256; c=relaxed/relaxed; d={domain}; s=s; {tags}\
             h=from:subject; bh={hash}; b="
        );
        let mut octets = Vec::new();
        for field in ByName::of(section.as_bytes()).named(["from", "subject"].into_iter()) {
            how.add_field(field, &mut octets);
            octets.extend_from_slice(b"\r\n");
        }
        how.add_field(&Field::new(signature.as_bytes()).unwrap(), &mut octets);
        let signature = format!("{signature}{}", self.signature(&octets));
        let cv = if instance == 1 { "none" } else { "pass" };
        let seal =
            format!("ARC-Seal: i={instance}; a=ed25519-sha256; cv={cv}; d={domain}; s=s; b=");
        let mut octets = Vec::new();
        // The earlier sets, from the first on.
        let before: Vec<_> = fields(section.as_bytes()).collect();
        let before: Vec<_> = before
            .iter()
            .filter(|field| field.name().starts_with(b"ARC-"))
            .collect();
        let sets = before.chunks(3).rev();
        for field in sets.flat_map(|set| [set[2], set[1], set[0]]) {
            how.add_field(field, &mut octets);
            octets.extend_from_slice(b"\r\n");
        }
        for own in [&results, &signature] {
            how.add_field(&Field::new(own.as_bytes()).unwrap(), &mut octets);
            octets.extend_from_slice(b"\r\n");
        }
        how.add_field(&Field::new(seal.as_bytes()).unwrap(), &mut octets);
        let seal = format!("{seal}{}", self.signature(&octets));
        self.message = format!("{seal}\r\n{signature}\r\n{results}\r\n{}", self.message);
        self
    }

    fn resolver(&self, domains: &[&str]) -> ScriptedResolver {
        let resolver = ScriptedResolver::new();
        domains.iter().fold(resolver, |resolver, domain| {
            let record: [Box<[u8]>; 1] = [self.key.record().into_bytes().into()];
            resolver.with_txt(&format!("s._domainkey.{domain}"), record)
        })
    }
}

async fn verified(message: &str, resolver: &ScriptedResolver) -> ArcVerified {
    let mut verifying = ArcVerifying::default();
    verifying.update(message.as_bytes());
    let passed = verifying.finish();
    passed.verify(resolver, NOW, Duration::from_secs(1)).await
}

async fn reason(chain: &Chain, message: &str) -> &'static str {
    let found = verified(message, &chain.resolver(&["a.example"])).await;
    assert_ne!(found.result, ArcResult::Pass);
    found.reason
}

#[tokio::test]
async fn a_chain_is_as_long_as_it_may_be_and_each_key_is_asked_for_once() {
    let mut chain = Chain::new();
    for index in 0..SETS_MAX {
        chain = chain.with(["a.example", "b.example"][index % 2], "", 5_000);
    }
    let resolver = chain.resolver(&["a.example", "b.example"]);
    let found = verified(&chain.message, &resolver).await;
    assert_eq!((found.result, found.reason), (ArcResult::Pass, ""));
    assert_eq!(
        (found.domains.len(), &*found.domains[49]),
        (50, "b.example")
    );
    assert_eq!(resolver.asked().len(), 2, "{:?}", resolver.asked());
    let chain = chain.with("a.example", "", 0);
    let found = verified(&chain.message, &resolver).await;
    assert_eq!(
        (found.result, found.reason),
        (ArcResult::Fail, "a field is of no set")
    );
    assert_eq!(resolver.asked().len(), 2, "{:?}", resolver.asked());
}

#[tokio::test]
async fn nobody_is_asked_for_the_keys_of_a_chain_whose_end_does_not_hold() {
    let domains = ["a.example", "b.example", "c.example", "d.example"];
    let chain = domains
        .iter()
        .fold(Chain::new(), |chain, domain| chain.with(domain, "", 9));
    for (from, to, asked) in [
        ("Subject: x", "Subject: y", 1),
        ("hello", "hallo", 0),
        ("ARC-Seal: i=4; a", "ARC-Seal: i=4; t=5; a", 1),
        // A change in a seal before it.
        ("ARC-Seal: i=1; a", "ARC-Seal: i=1; t=5; a", 1),
    ] {
        let resolver = chain.resolver(&domains);
        assert!(chain.message.contains(from));
        let found = verified(&chain.message.replace(from, to), &resolver).await;
        assert_eq!(found.result, ArcResult::Fail, "{from}");
        assert_eq!(
            resolver.asked().len(),
            asked,
            "{from}: {:?}",
            resolver.asked()
        );
    }
    // All sealers but one have removed their keys.
    let resolver = chain.resolver(&["d.example", "c.example", "a.example"]);
    let found = verified(&chain.message, &resolver).await;
    assert_eq!(
        (found.result, found.reason),
        (ArcResult::Fail, "there is no such key")
    );
    assert_eq!(found.domains, domains);
    assert_eq!(resolver.asked().len(), 4);
}

#[tokio::test]
async fn what_is_not_to_be_relied_on_is_not() {
    let good = Chain::new().with("a.example", "", 1);
    let resolver = good.resolver(&["a.example"]);
    assert_eq!(
        verified(&good.message, &resolver).await.result,
        ArcResult::Pass
    );
    for added in [
        "From: b@other.example",
        "from : b@other.example",
        "X: y\nFrom: b@x",
    ] {
        let message = format!("{added}\r\n{}", good.message);
        let expected = "the message does not have one From field";
        assert_eq!(reason(&good, &message).await, expected, "{added}");
    }
    for (tags, expected) in [
        ("l=7; ", "a signature is of a part of the body"),
        ("l=0; ", "a signature is of a part of the body"),
        ("x=1767322800; ", "it has expired"),
        ("t=1767323101; ", "it was made in the future"),
    ] {
        let chain = Chain::new().with("a.example", tags, 1);
        assert_eq!(reason(&chain, &chain.message).await, expected, "{tags}");
    }
    let chain = Chain::new().with("a.example", "t=1767323100; x=1767323101; v=1; ", 1);
    let found = verified(&chain.message, &chain.resolver(&["a.example"])).await;
    assert_eq!((found.result, found.reason), (ArcResult::Pass, ""));
    // A domain in test mode.
    let record: [Box<[u8]>; 1] = [format!("{}; t=y", good.key.record()).into_bytes().into()];
    let trying = ScriptedResolver::new().with_txt("s._domainkey.a.example", record);
    let found = verified(&good.message, &trying).await;
    let expected = (ArcResult::Fail, "the domain is trying it out");
    assert_eq!((found.result, found.reason), expected);
}

#[tokio::test]
async fn signatures_before_the_last_may_be_of_any_kind() {
    // These are message signatures of older sets: the message has changed since, and only the seals
    // protect them.
    for tags in ["x=5; ", "l=0; ", "t=9999999999; "] {
        let chain = Chain::new()
            .with("a.example", tags, 1)
            .with("a.example", "", 1);
        let found = verified(&chain.message, &chain.resolver(&["a.example"])).await;
        assert_eq!(
            (found.result, found.reason),
            (ArcResult::Pass, ""),
            "{tags}"
        );
    }
}

#[tokio::test]
async fn fields_that_are_of_no_chain() {
    let chain = Chain::new().with("a.example", "", 1);
    let long = format!("d={}.example; s", "a".repeat(64));
    let longer = format!("d={}; s", [&*"a".repeat(60); 4].join("."));
    for (from, to, expected) in [
        ("ARC-Seal: i=1;", "ARC-Seal: i=;", "a field is of no set"),
        ("ARC-Seal: i=1;", "ARC-Seal: i=+1;", "a field is of no set"),
        ("ARC-Seal: i=1;", "ARC-Seal: i=001;", "a field is of no set"),
        ("ARC-Seal: i=1;", "ARC-Seal: I=1;", "a field is of no set"),
        (
            "ARC-Seal: i=1;",
            "ARC-Seal: i=1; i=1;",
            "a field is of no set",
        ),
        ("i=1; xy", "i=1", "a field is of no set"),
        ("i=1; xy", "x=1; i=1", "a field is of no set"),
        ("cv=none", "cv=none; x", "a field is of no set"),
        (
            "cv=none; d=a.example; s",
            &format!("cv=none; {long}"),
            "the domain is none",
        ),
        (
            "cv=none; d=a.example; s",
            &format!("cv=none; {longer}"),
            "the domain is none",
        ),
        ("cv=none; d=a.example", "cv=none; d=", "the domain is none"),
        ("ed25519-sha256; cv", "rsa-sha3; cv", "unknown algorithm"),
        ("h=from", "h=to", "the From field is not signed"),
        ("h=from", "h=arc-SEAL:from", "a signature is of seals"),
    ] {
        assert!(chain.message.contains(from), "{from}");
        let message = chain.message.replacen(from, to, 1);
        assert_eq!(reason(&chain, &message).await, expected, "{from} → {to}");
    }
    let too_long = format!("X: {}\r\n{}", "x".repeat(600_000), chain.message);
    assert_eq!(
        reason(&chain, &too_long).await,
        "the header section is too long"
    );
}

#[tokio::test(start_paused = true)]
async fn the_state_of_a_chain_is_written_in_any_case_and_results_in_any_charset() {
    // The seal then covers other text, so the seal fails.
    let chain = Chain::new().with("a.example", "", 1);
    for (from, to) in [
        ("cv=none", "cv=NONE"),
        ("ARC-Seal: i=1;", "ARC-Seal: i = 01 ;"),
    ] {
        let message = chain.message.replacen(from, to, 1);
        assert_eq!(reason(&chain, &message).await, "a seal is of another chain");
    }
    let message = chain.message.replacen("; xy", "; x\u{e9}", 1);
    let mut octets = message.into_bytes();
    let at = octets.iter().position(|octet| *octet == 0xc3).unwrap();
    octets.remove(at);
    let mut verifying = ArcVerifying::default();
    verifying.update(&octets);
    let resolver = chain.resolver(&["a.example"]);
    let found = verifying
        .finish()
        .verify(&resolver, NOW, Duration::from_secs(1))
        .await;
    assert_eq!(found.reason, "a seal is of another chain");
}
