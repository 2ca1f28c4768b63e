//! MTA-STS policies: an accepted one is valid for a bounded time, unknown fields change nothing,
//! and an asterisk stands for one label.

use std::time::Duration;

use koukan_smtp::client::{MtaStsMode, MtaStsPolicy};

/// About a year.
const MAX_AGE: Duration = Duration::from_secs(31_557_600);

pub(crate) fn holds(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else {
        return;
    };
    let Some(policy) = MtaStsPolicy::parse(text) else {
        return;
    };
    assert!(policy.max_age() <= MAX_AGE);
    // Unknown fields are ignored.
    let extended = format!("{text}\r\nx-other: *.example.com\r\n");
    assert_eq!(MtaStsPolicy::parse(&extended).as_ref(), Some(&policy));
    if policy.mode() == MtaStsMode::None {
        return;
    }
    for line in text.lines() {
        let Some(pattern) = line.strip_prefix("mx:").map(str::trim) else {
            continue;
        };
        // The asterisk stands for exactly one label.
        if let Some(parent) = pattern.strip_prefix("*.")
            && policy.names(&format!("mail.{parent}"))
        {
            let deeper = format!("a.mail.{parent}");
            let is_named_otherwise = text
                .lines()
                .filter_map(|other| other.strip_prefix("mx:"))
                .any(|other| other.trim() != pattern);
            assert!(is_named_otherwise || !policy.names(&deeper), "{deeper}");
        }
    }
}
