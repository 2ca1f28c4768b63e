//! Forged messages, and messages that are costly to verify.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use koukan_core::test_util::ScriptedResolver;

use super::*;
use crate::dkim::{SigningKey, section::HEADER_MAX};

const BODY: &str = "hello\r\n";

/// A signature field with these tags, over the fields of these names.
fn signed(key: &SigningKey, names: &str, tags: &str, section: &str) -> String {
    let how = Canonicalization::Relaxed;
    let mut hasher = BodyHasher::new(how);
    hasher.update(BODY.as_bytes());
    let hash = STANDARD.encode(hasher.finish().sha256);
    let field = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=s; {tags}h={names}; bh={hash}; b="
    );
    let mut octets = Vec::new();
    for field in ByName::of(section.as_bytes()).named(names.split(':')) {
        how.add_field(field, &mut octets);
        octets.extend_from_slice(b"\r\n");
    }
    how.add_field(&Field::new(field.as_bytes()).unwrap(), &mut octets);
    let signature = STANDARD.encode(key.sign(&octets).unwrap());
    format!("{field}{signature}\r\n")
}

async fn verified(key: &SigningKey, section: &str) -> Vec<Verified> {
    let record: [Box<[u8]>; 1] = [key.record().into_bytes().into()];
    let resolver = ScriptedResolver::new().with_txt("s._domainkey.example.com", record);
    let mut verifying = Verifying::default();
    verifying.update(format!("{section}\r\n{BODY}").as_bytes());
    let passed = verifying.finish();
    passed.verify(&resolver, 7, Duration::from_secs(1)).await
}

#[tokio::test]
async fn a_from_field_that_was_added_is_none_that_was_signed() {
    let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let section = "From: a@example.com\r\nSubject: x\r\n";
    // This signature does not prevent adding a second field.
    let field = signed(&key, "from:subject", "", section);
    for (message, result) in [
        (format!("{field}{section}"), DkimResult::Pass),
        (
            format!("From: b@other.example\r\n{field}{section}"),
            DkimResult::Policy,
        ),
        (
            format!("{field}from : b@other.example\r\n{section}"),
            DkimResult::Policy,
        ),
        // Line ends as some readers see them.
        (
            format!("X: y\nFrom: b@other.example\r\n{field}{section}"),
            DkimResult::Policy,
        ),
        (
            format!("{field}{section}From: b@other.example\r\n"),
            DkimResult::Fail,
        ),
    ] {
        let found = verified(&key, &message).await;
        assert_eq!(found[0].result, result, "{message}: {}", found[0].reason);
    }
    let section = "Subject: x\r\n";
    let field = signed(&key, "from:subject", "", section);
    let found = verified(&key, &format!("{field}{section}")).await;
    assert_eq!(found[0].result, DkimResult::Policy);
}

#[tokio::test]
async fn a_signature_is_of_its_time() {
    let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let section = "From: a@example.com\r\n";
    for (tags, result) in [
        ("t=7; ", DkimResult::Pass),
        // Clocks may differ a little.
        ("t=307; ", DkimResult::Pass),
        ("t=308; ", DkimResult::Neutral),
        ("t=18446744073709551615; ", DkimResult::Neutral),
        ("x=8; ", DkimResult::Pass),
        ("x=7; ", DkimResult::Neutral),
    ] {
        let field = signed(&key, "from", tags, section);
        let found = verified(&key, &format!("{field}{section}")).await;
        assert_eq!(found[0].result, result, "{tags}: {}", found[0].reason);
    }
}

/// The test takes minutes if each name is searched among all fields.
#[tokio::test]
async fn as_much_as_a_header_section_has_room_for_is_looked_at_soon() {
    let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let room = HEADER_MAX / 3 - 1000;
    let section = format!("{}From: a@example.com\r\n", "A:\r\n".repeat(room / 4));
    let names = format!("from{}", ":x".repeat(room / 2));
    let mut tags = String::new();
    for index in 0..room / 8 {
        write!(tags, "y{index:05x}=;").unwrap();
    }
    let field = signed(&key, &names, &tags, &section);
    let found = verified(&key, &format!("{field}{section}")).await;
    assert_eq!(found[0].result, DkimResult::Pass, "{}", found[0].reason);
}
