//! The problems of a message, and how bad they are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How well formed a message is. Each level includes the requirements of those below it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Level {
    /// Agents may disagree where its lines, its header section or its parts end.
    #[default]
    None,
    /// It can be read: lines end with CRLF, and the header section contains only fields.
    Basic,
    /// It has each required field once: its author, its date, and its id.
    Medium,
    /// It conforms to the standards.
    High,
}

/// A problem of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// A CR that no LF follows: RFC 5322 section 2.3.
    BareCr,
    /// A LF that no CR precedes: RFC 5322 section 2.3.
    BareLf,
    /// An octet 0.
    Nul,
    /// A line of the header section is neither a field nor continues one: RFC 5322 section 2.2.
    HeaderMalformed,
    /// The header section of the message or of a part is longer than the limit.
    HeaderTooLong,
    /// Multiparts and attached messages are nested more deeply than the limit.
    TooDeep,
    /// There are more parts than the limit.
    TooManyParts,

    /// There is no `From` field: RFC 5322 section 3.6.
    FromMissing,
    /// There are several `From` fields.
    FromRepeated,
    /// The `From` field has no address, or an invalid one.
    FromInvalid,
    /// There is no `Date` field.
    DateMissing,
    /// There are several `Date` fields.
    DateRepeated,
    /// The `Date` field cannot be read as a date.
    DateInvalid,
    /// There is no `Message-ID` field, which RFC 5322 asks for and does not demand.
    MessageIdMissing,
    /// There are several `Message-ID` fields.
    MessageIdRepeated,
    /// Another field that may occur only once is repeated: RFC 5322 section 3.6, RFC 2045.
    FieldRepeated,
    /// A line has more than 998 octets: RFC 5322 section 2.1.1.
    LineTooLong,
    /// A header section has octets outside of ASCII, and is not UTF-8, or the message does not have
    /// SMTPUTF8: RFC 6532.
    EightBitHeader,
    /// A part has octets outside of ASCII, but its Content-Transfer-Encoding does not declare them: RFC 2045 section
    /// 6.2.
    EightBitUndeclared,
    /// A multipart has no boundary, or an invalid one: RFC 2046 section 5.1.1.
    BoundaryInvalid,

    /// There are several senders, and no `Sender` field: RFC 5322 section 3.6.2.
    SenderMissing,
    /// A field with addresses contains an invalid one.
    AddressInvalid,
    /// The `Message-ID` is not of the form `<left@right>`: RFC 5322 section 3.6.4.
    MessageIdInvalid,
    /// There are MIME fields, but no `MIME-Version`: RFC 2045 section 4.
    MimeVersionMissing,
    /// A multipart has no closing delimiter.
    MultipartUnclosed,
    /// A multipart, or an attached message, has a transfer encoding: RFC 2045 section 6.4.
    MultipartEncoded,
    /// A line in a part's header section is not a field.
    PartHeaderMalformed,
    /// The last line has no line end.
    LastLineUnended,
}

impl Level {
    /// Its name in configurations and signals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Basic => "BASIC",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Problem {
    /// The highest level that a message with this problem may have.
    pub fn level(self) -> Level {
        match self {
            problem if problem < Self::FromMissing => Level::None,
            problem if problem < Self::SenderMissing => Level::Basic,
            _ => Level::Medium,
        }
    }
}
