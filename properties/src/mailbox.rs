//! Mailboxes: an accepted one is written as it was read, and is equal only to itself.

use koukan_core::path::{ForwardPath, Mailbox, ReversePath};

pub(crate) fn holds(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else {
        return;
    };
    let reverse = text.parse::<ReversePath>();
    if let Ok(path) = &reverse {
        assert_eq!(path.as_str().parse().as_ref(), Ok(path));
    }
    if let Ok(path) = text.parse::<ForwardPath>() {
        assert_eq!(path.as_str().parse().as_ref(), Ok(&path));
        assert!(path.is_same(&path));
    }
    let Ok(mailbox) = text.parse::<Mailbox>() else {
        return;
    };
    let written = mailbox.as_str();
    // A mailbox in a command or a header field must not end it.
    assert!(!written.contains(|c: char| c.is_control()), "{written:?}");
    assert_eq!(written.parse().as_ref(), Ok(&mailbox));
    assert!(reverse.is_ok(), "{text:?} is a mailbox and no reverse-path");
    let (local_part, domain) = (mailbox.local_part(), mailbox.domain_text());
    assert!(!local_part.is_empty() && !domain.is_empty());
    assert_eq!(format!("{local_part}@{domain}"), written);
    let other_case = format!("{local_part}@{}", domain.to_ascii_uppercase());
    if let Ok(other) = other_case.parse::<Mailbox>() {
        assert!(mailbox.is_same(&other) && other.is_same(&mailbox));
    }
}
