//! Checks that the handshakes were those that a case wants.

use serde_json::Value;

use crate::{Failed, tls::Handshakes};

/// How many handshakes of a hundred may be full when sessions are resumed: those of first
/// connections, and of connections that are made while no ticket is left.
const FULL: u64 = 10;

/// Checks that on both sides of the agent there was a handshake of the right kind for each message,
/// or that connections were kept.
pub(super) fn verify(result: &Value, wanted: Handshakes, messages: u32) -> Result<(), Failed> {
    let messages = u64::from(messages);
    for side in ["handshakes", "sink_handshakes"] {
        let count = |kind: &str| result[side][kind].as_u64().unwrap_or_default();
        let (full, resumed) = (count("full"), count("resumed"));
        let is_right = match wanted {
            Handshakes::Kept => (1..=messages / 4).contains(&(full + resumed)),
            Handshakes::Full => full >= messages && resumed == 0,
            Handshakes::Resumed => {
                let is_each = full + resumed >= messages;
                is_each && full * 100 <= FULL * (full + resumed)
            }
        };
        if !is_right {
            return Err(format!(
                "{side} of {messages} messages: {full} full, {resumed} resumed, and {wanted:?} is wanted"
            )
            .into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Handshakes, verify};

    #[test]
    fn each_kind_is_told_from_the_others() {
        let of = |full: u64, resumed: u64| json!({ "full": full, "resumed": resumed });
        let is_right = |clients, sink, wanted| {
            let result = json!({ "handshakes": clients, "sink_handshakes": sink });
            verify(&result, wanted, 100).is_ok()
        };
        let (kept, all, resumed) = (of(10, 0), of(100, 0), of(10, 90));
        for (wanted, right, wrong) in [
            (Handshakes::Kept, &kept, [&all, &of(0, 0)]),
            (Handshakes::Full, &all, [&kept, &of(99, 1)]),
            (Handshakes::Resumed, &resumed, [&of(11, 89), &of(1, 98)]),
        ] {
            assert!(is_right(right, right, wanted), "{wanted:?}");
            for wrong in wrong {
                assert!(!is_right(wrong, right, wanted), "{wanted:?}");
                assert!(!is_right(right, wrong, wanted), "{wanted:?}");
            }
        }
        // Neither side used TLS.
        assert!(verify(&json!({}), Handshakes::Kept, 100).is_err());
    }
}
