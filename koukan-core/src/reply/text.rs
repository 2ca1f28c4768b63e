//! The text of a reply.

use std::{borrow::Cow, ops::Deref, sync::Arc};

/// A text that cannot break the framing. Clones share it.
#[derive(Clone)]
pub(super) enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Text {
    /// The text, without a copy where it is static.
    pub(super) fn new(text: Cow<'static, str>) -> Self {
        match sanitize(text) {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Shared(text.into()),
        }
    }

    /// A text that is a constant of this crate. It does not compile unless it is printable ASCII.
    pub(super) const fn known(text: &'static str) -> Self {
        let octets = text.as_bytes();
        let mut at = 0;
        while at < octets.len() {
            assert!(octets[at] >= b' ' && octets[at] <= b'~');
            at += 1;
        }
        Self::Static(text)
    }

    /// A copy of the text.
    pub(super) fn copy(text: &str) -> Self {
        Self::Shared(match sanitize(text.into()) {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        })
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

/// Replaces characters that could break the framing.
fn sanitize(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_clean = |c: char| c == '\n' || c == '\t' || !c.is_control();
    let is_printable = |octet: u8| (b' '..=b'~').contains(&octet);
    // Most texts are plain. Without an early exit, this checks many octets at a time.
    let is_plain = text
        .bytes()
        .fold(true, |is, octet| is & is_printable(octet));
    if is_plain || text.chars().all(is_clean) {
        return text;
    }
    let unified = text.replace("\r\n", "\n");
    Cow::Owned(
        unified
            .chars()
            .map(|c| if is_clean(c) { c } else { '?' })
            .collect(),
    )
}
