//! How large a spec may be.

/// Header fields in a spec, at most.
pub const MAX_HEADER_FIELDS: usize = 1000;
/// Octets of the text of one header field, at most.
pub const MAX_HEADER_TEXT: usize = 32 << 10;
/// Octets of all header fields together, at most.
pub const MAX_HEADER_OCTETS: usize = 256 << 10;
/// Parts in a spec, at most.
pub const MAX_PARTS: usize = 1000;
/// Octets of inline text in all parts together, at most.
pub const MAX_INLINE_OCTETS: usize = 16 << 20;

/// Octets of a word that cannot be folded, at most, so that no line is longer than 998.
pub(super) const MAX_WORD: usize = 900;
/// Octets of a header field's name, at most.
pub(super) const MAX_NAME: usize = 76;
/// Octets of a file name or of a parameter's value, at most.
pub(super) const MAX_PARAMETER: usize = 1024;
/// Octets of the name of a part, at most.
pub(super) const MAX_CREATE_ID: usize = 255;
/// Octets of a URI, at most.
pub(super) const MAX_URI: usize = 2048;
