//! ARC chains of forwarders.

use std::time::Duration;

use koukan_core::test_util::ScriptedResolver;
use koukan_mail_auth::arc::{ArcResult, ArcVerified, ArcVerifying, SETS_MAX};

use crate::mail_auth::run;

/// The key with which all chains in the corpus were sealed.
const RECORD: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCcuERLOvEm31YAki4VHR991SK+zyLSJbfvit2pXwWAHdDpWYkDVDUxWEKUG7W6JaHWQrSlqEoDmXrc1J0J1E/iuZCbV5+Gv5T8+lQyqzImY4KI58Ck12D+3/Bz5EbagAHvxR7/E57RAbx/SVpsZWS3i6K674uQ6/Nkzx1bTdNQQIDAQAB";

/// The time of sealing.
const NOW: u64 = 1_795_802_111;

fn verified(message: &[u8], pieces: usize) -> ArcVerified {
    let names = [
        "one._domainkey.list.example",
        "two._domainkey.relay.example",
    ];
    let resolver = names
        .iter()
        .fold(ScriptedResolver::new(), |resolver, name| {
            resolver.with_txt(name, [Box::from(RECORD.as_bytes())])
        });
    let mut verifying = ArcVerifying::default();
    for piece in message.chunks(pieces) {
        verifying.update(piece);
    }
    let passed = verifying.finish();
    let found = run(passed.verify(&resolver, NOW, Duration::from_secs(20)));
    // There is a key for each of them, and one for the message.
    assert!(found.domains.len() <= SETS_MAX);
    assert!(resolver.asked().len() <= found.domains.len() + 1);
    found
}

/// The octets are a message. The result of its chain does not depend on how the message is cut; and
/// in a message with a valid chain, nothing that was signed can be changed.
pub(crate) fn holds(octets: &[u8]) {
    let whole = verified(octets, octets.len().max(1));
    assert_eq!(whole, verified(octets, 1));
    assert_eq!(whole, verified(octets, 7));
    assert_eq!(
        whole.result == ArcResult::Pass,
        whole.reason.is_empty() && !whole.domains.is_empty()
    );
    if whole.result != ArcResult::Pass {
        return;
    }
    for (before, after) in [
        ("", "more\r\n"),
        ("From: b@other.example\r\n", ""),
        ("ARC-Seal: i=1; cv=none\r\n", ""),
        ("ARC-Seal: i=3; cv=pass\r\n", ""),
    ] {
        let changed = [before.as_bytes(), octets, after.as_bytes()].concat();
        let changed = verified(&changed, 1 << 10);
        assert_eq!(changed.result, ArcResult::Fail, "{before}{after}");
    }
}
