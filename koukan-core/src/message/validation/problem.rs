//! What can be wrong, and how bad that is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How well formed a message is; each level has those below it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Level {
    /// Agents may not agree where its lines, its header section or its parts end.
    #[default]
    None,
    /// It can be read: lines end with CRLF, and the header section has fields alone.
    Basic,
    /// It says what it must, once: who it is from, when it was written, and its id.
    Medium,
    /// It is as the standards ask for.
    High,
}

/// Something that is wrong with a message.
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
    /// A line of the header section is no field, nor goes on with one: RFC 5322 section 2.2.
    HeaderMalformed,
    /// The header section of the message or of a part is longer than is looked at.
    HeaderTooLong,
    /// There are more multiparts and attached messages within each other than are looked into.
    TooDeep,
    /// There are more parts than are looked into.
    TooManyParts,

    /// There is no `From` field: RFC 5322 section 3.6.
    FromMissing,
    /// There are several.
    FromRepeated,
    /// It has no address, or something that is none.
    FromInvalid,
    /// There is no `Date` field.
    DateMissing,
    /// There are several.
    DateRepeated,
    /// It cannot be read as a date.
    DateInvalid,
    /// There is no `Message-ID` field, which RFC 5322 asks for and does not demand.
    MessageIdMissing,
    /// There are several.
    MessageIdRepeated,
    /// Another field of which there may be one is there several times: RFC 5322 section 3.6, RFC 2045.
    FieldRepeated,
    /// A line has more than 998 octets: RFC 5322 section 2.1.1.
    LineTooLong,
    /// A header section has octets that are no ASCII, and is not UTF-8 or does not have SMTPUTF8: RFC 6532.
    EightBitHeader,
    /// A part has octets that are no ASCII, and does not say so by its Content-Transfer-Encoding: RFC 2045
    /// section 6.2.
    EightBitUndeclared,
    /// A multipart does not say how its parts are told apart, or in another way than it must: RFC 2046 section 5.1.1.
    BoundaryInvalid,

    /// There are several senders, and no `Sender` field: RFC 5322 section 3.6.2.
    SenderMissing,
    /// A field with addresses has something that is none.
    AddressInvalid,
    /// The `Message-ID` is not of the form `<left@right>`: RFC 5322 section 3.6.4.
    MessageIdInvalid,
    /// There are fields of MIME, and no `MIME-Version`: RFC 2045 section 4.
    MimeVersionMissing,
    /// A multipart does not end.
    MultipartUnclosed,
    /// A multipart, or an attached message in it, is encoded: RFC 2045 section 6.4.
    MultipartEncoded,
    /// A line of a part's header section is no field.
    PartHeaderMalformed,
    /// The last line does not end.
    LastLineUnended,
}

impl Level {
    /// As it stands in configurations and signals.
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
    /// The highest level that a message may have in which that is wrong.
    pub fn level(self) -> Level {
        match self {
            problem if problem < Self::FromMissing => Level::None,
            problem if problem < Self::SenderMissing => Level::Basic,
            _ => Level::Medium,
        }
    }
}
