//! The limits on a spec.

/// The maximum number of header fields in a spec.
pub const MAX_HEADER_FIELDS: usize = 1000;
/// The maximum length of one header field's text, in octets.
pub const MAX_HEADER_TEXT: usize = 32 << 10;
/// The maximum length of all header fields together, in octets.
pub const MAX_HEADER_OCTETS: usize = 256 << 10;
/// The maximum number of parts in a spec.
pub const MAX_PARTS: usize = 1000;
/// The maximum length of inline text in all parts together, in octets.
pub const MAX_INLINE_OCTETS: usize = 16 << 20;

/// The maximum length of a word that cannot be folded, in octets, so that lines have at most 998
/// octets.
pub(super) const MAX_WORD: usize = 900;
/// The maximum length of a header field's name, in octets.
pub(super) const MAX_NAME: usize = 76;
/// The maximum length of a file name or parameter value, in octets.
pub(super) const MAX_PARAMETER: usize = 1024;
/// The maximum length of a part's name, in octets.
pub(super) const MAX_CREATE_ID: usize = 255;
/// The maximum length of a URI, in octets.
pub(super) const MAX_URI: usize = 2048;
