//! Boundaries of multiparts, which cannot occur in their parts.

use super::{Content, Spec};
use crate::fnv::Fnv1a;

/// Makes the boundaries of one message.
///
/// A boundary begins with `=_`, which occurs neither in base64, nor in quoted-printable, nor in
/// 7bit text written by the builder (RFC 2045 section 6.7 recommends this). It continues with a
/// hash of the whole spec, so an attached message that was built from another spec has other
/// boundaries.
pub(super) struct Boundaries {
    base: String,
    count: usize,
}

impl Boundaries {
    /// The boundaries for the message of `spec` with these header fields.
    pub(super) fn of(spec: &Spec, header: &str) -> Self {
        let [mut first, mut second] = [Fnv1a::new(0), Fnv1a::new(1)];
        for hash in [&mut first, &mut second] {
            hash.add_text(header);
            for part in spec.parts() {
                hash.add_text(&part.content_type().to_string());
                hash.add_text(part.content_id().unwrap_or_default());
                hash.add_text(part.filename().unwrap_or_default());
                match part.content() {
                    Content::Inline(text) => hash.add_text(text),
                    Content::Octets(octets) => hash.add(octets.iter().copied()),
                    Content::CreateId(name) | Content::ReuseUri(name) => hash.add_text(name),
                }
            }
        }
        let base = format!("=_{:016x}{:016x}", first.get(), second.get());
        Self { base, count: 0 }
    }

    /// The beginning of all boundaries.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Another boundary. None is a prefix of another.
    pub(super) fn another(&mut self) -> String {
        self.count += 1;
        format!("{}.{}", self.base, self.count)
    }
}
