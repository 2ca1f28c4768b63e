//! Mail authentication data of other domains: signatures, keys, and the records of SPF and DMARC.

use std::{future::Future, sync::LazyLock, time::Duration};

use koukan_core::{network::Mx, test_util::ScriptedResolver};
use koukan_mail_auth::{
    dkim::{Algorithm, DkimResult, SIGNATURES_MAX, SignatureSpec, SigningKey, Verified, Verifying},
    dmarc::{DmarcResult, Identifiers, evaluate},
    spf::{Question, SpfResult, check_host},
};

/// The most look-ups that one record may cost: ten terms (RFC 7208 section 4.6.4), each with at
/// most ten names.
const LOOK_UPS_MAX: usize = 120;
/// The present time.
const NOW: i64 = 1_767_322_800;

/// Runs a future that never has to wait for anything else.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// A record, unchanged and with an unknown term appended.
fn with_more(record: &[u8], more: &str) -> [Vec<u8>; 2] {
    [record.to_vec(), [record, more.as_bytes()].concat()]
}

// === SPF ===

/// The octets are the SPF record of a domain.
pub(crate) fn spf(octets: &[u8]) {
    // An error is one wherever it is, and unknown terms are no error.
    let [own, more] = with_more(octets, " x-other=1").map(|record| run(ask_spf(&record)));
    assert_eq!(own, more, "what is for others changes nothing");
    assert_eq!(own, run(ask_spf(octets)), "it is the same each time");
}

async fn ask_spf(record: &[u8]) -> SpfResult {
    let address = [Ok("192.0.2.1"), Err("2001:db8::1")];
    let addresses = address.map(|it| it.unwrap_or_else(|it| it).parse());
    let addresses: Vec<std::net::IpAddr> = addresses.into_iter().flatten().collect();
    let resolver = ScriptedResolver::new()
        .with_txt("example.com", [Box::from(record)])
        .with_txt(
            "a.example",
            [Box::from(&b"v=spf1 include:example.com -all"[..])],
        )
        .with_mx("example.com", [Mx::new(10, "mx.example.com")])
        .with_addresses("mx.example.com", [addresses[0]])
        .with_addresses("example.com", [addresses[1]])
        .with_silence("silent.example");
    let question = Question {
        client: addresses[0],
        local: "bob",
        domain: "example.com",
        helo: "h.example",
        receiver: "me.example",
        now: NOW,
    };
    let answer = check_host(&question, &resolver, Duration::from_secs(20)).await;
    assert!(
        resolver.asked().len() <= LOOK_UPS_MAX,
        "{:?}",
        resolver.asked()
    );
    let explanation = answer.explanation.unwrap_or_default();
    assert!(!explanation.contains(['\r', '\n']), "it goes into a reply");
    answer.result
}

// === DMARC ===

/// The octets are the DMARC record of a domain.
pub(crate) fn dmarc(octets: &[u8]) {
    let [own, more] = with_more(octets, ";x-other=1").map(|record| {
        let resolver =
            ScriptedResolver::new().with_txt("_dmarc.example.com", [Box::from(&*record)]);
        let answer = run(async {
            let all =
                ["example.com", "mail.example.com", "other.example"].map(|domain| Identifiers {
                    spf: Some(domain.to_owned()),
                    ..Identifiers::default()
                });
            let mut answers = Vec::new();
            for identifiers in &all {
                answers.push(evaluate("example.com", identifiers, &resolver).await);
            }
            answers
        });
        assert!(resolver.asked().len() <= LOOK_UPS_MAX);
        answer
    });
    // An unknown tag is ignored; a tag that occurs twice makes the record invalid.
    let is_twice = octets.windows(7).any(|name| name == b"x-other");
    assert!(is_twice || own == more, "{own:?} {more:?}");
    // The domain confirms itself, if it has a policy; another domain never does.
    assert!(matches!(
        own[0].result,
        DmarcResult::Pass | DmarcResult::None
    ));
    assert!(matches!(
        own[2].result,
        DmarcResult::Fail | DmarcResult::None
    ));
}

// === DKIM ===

/// A key, and a message signed with it.
static SIGNED: LazyLock<(SigningKey, String)> = LazyLock::new(|| {
    // The key of RFC 8463 appendix A.2.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    let Ok(key) = SigningKey::from_pem(KEY.as_bytes()) else {
        panic!("it is a key");
    };
    let message = "From: a@example.com\r\nSubject: x\r\n\r\nhello\r\n";
    let mut signing = SignatureSpec::new("example.com", "s").start();
    signing.update(message.as_bytes());
    let Ok(field) = signing.finish().sign(&key, NOW.unsigned_abs()) else {
        panic!("it can be signed");
    };
    (key, format!("{field}{message}"))
});

fn verified(message: &[u8], pieces: usize, record: &[u8]) -> Vec<Verified> {
    let resolver =
        ScriptedResolver::new().with_txt("s._domainkey.example.com", [Box::from(record)]);
    let mut verifying = Verifying::default();
    for piece in message.chunks(pieces) {
        verifying.update(piece);
    }
    let passed = verifying.finish();
    let found = run(passed.verify(&resolver, NOW.unsigned_abs(), Duration::from_secs(20)));
    assert!(found.len() <= SIGNATURES_MAX);
    assert!(resolver.asked().len() <= SIGNATURES_MAX);
    found
}

/// The octets are a message. The result of its signatures does not depend on how the message is
/// cut, and nothing that was signed can be changed.
pub(crate) fn dkim_signature(octets: &[u8]) {
    let (key, message) = &*SIGNED;
    let record = key.record();
    let whole = verified(octets, octets.len().max(1), record.as_bytes());
    assert_eq!(whole, verified(octets, 1, record.as_bytes()));
    assert_eq!(whole, verified(octets, 7, record.as_bytes()));
    if whole.iter().any(|found| found.result == DkimResult::Pass) {
        let changed = [octets, b"more\r\n"].concat();
        let changed = verified(&changed, 1 << 10, record.as_bytes());
        let again = changed
            .iter()
            .filter(|found| found.result == DkimResult::Pass);
        assert_eq!(again.count(), 0, "of a longer body");
    }
    let good = verified(message.as_bytes(), 1 << 10, record.as_bytes());
    assert_eq!(good[0].result, DkimResult::Pass);
    assert_eq!(good[0].algorithm, Some(Algorithm::Ed25519));
}

/// The octets are a key in the DNS: a signature made with another key is never valid.
pub(crate) fn dkim_key(octets: &[u8]) {
    let (key, message) = &*SIGNED;
    let found = verified(message.as_bytes(), 1 << 10, octets);
    let record = key.record();
    let public = record.split_once("p=").map_or("", |(_, key)| key.trim());
    let text: String = String::from_utf8_lossy(octets)
        .split_ascii_whitespace()
        .collect();
    if found[0].result == DkimResult::Pass {
        assert!(text.contains(public), "it is another key");
    }
}
