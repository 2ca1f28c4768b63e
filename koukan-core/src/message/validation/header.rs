//! The header section of a message or a part, as it is read.

use std::collections::BTreeSet;

use bytes::Bytes;
use memchr::memchr;

use crate::message::{
    header_section::{HeaderField, HeaderSection},
    parser::field_parameters,
};

use super::{Problem, field_checks, leaf::Leaf, line::Line};

/// How many octets of a message's header section are read.
const MESSAGE_MAX: usize = 256 << 10;
/// How many octets of a part's header section are read.
const PART_MAX: usize = 64 << 10;
/// The maximum valid length of a boundary, in octets: RFC 2046 section 5.1.1.
const BOUNDARY_MAX: usize = 70;
/// The maximum length of boundaries that are searched for.
const BOUNDARY_LOOKED_FOR: usize = 200;
/// Fields that determine the type of a part.
const AMBIGUOUS: [&str; 3] = [
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
];

#[derive(Debug)]
pub(super) struct Header {
    octets: Vec<u8>,
    max: usize,
    /// It is the header section of the message itself.
    is_outermost: bool,
    default_type: &'static str,
    is_ascii: bool,
}

/// The kind of a line.
pub(super) enum Read {
    More,
    End,
    /// It is not part of the header section, which ended before it.
    EndBefore,
    TooLong,
}

/// The kind of content after a header section.
pub(super) enum Kind {
    Leaf,
    Multipart {
        boundaries: Vec<Vec<u8>>,
        is_digest: bool,
    },
    Message,
}

impl Header {
    pub(super) fn of_message() -> Self {
        Self::new(MESSAGE_MAX, "text/plain", true)
    }

    pub(super) fn of_attached_message() -> Self {
        Self::new(MESSAGE_MAX, "text/plain", false)
    }

    pub(super) fn of_part(is_of_digest: bool) -> Self {
        let default_type = match is_of_digest {
            true => "message/rfc822",
            false => "text/plain",
        };
        Self::new(PART_MAX, default_type, false)
    }

    fn new(max: usize, default_type: &'static str, is_outermost: bool) -> Self {
        Self {
            octets: Vec::new(),
            max,
            is_outermost,
            default_type,
            is_ascii: true,
        }
    }

    /// Its octets so far.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// How many more octets it may have.
    pub(super) fn room(&self) -> usize {
        self.max - self.octets.len()
    }

    /// Processes a line.
    pub(super) fn line(&mut self, line: &Line, problems: &mut BTreeSet<Problem>) -> Read {
        if line.octets == 0 {
            return Read::End;
        }
        let Some(text) = line.whole().filter(|text| text.len() + 2 <= self.room()) else {
            return Read::TooLong;
        };
        let is_continued = matches!(text[0], b' ' | b'\t') && !self.octets.is_empty();
        if !is_continued && !is_field(text) {
            if !self.is_outermost {
                problems.insert(Problem::PartHeaderMalformed);
                return Read::EndBefore;
            }
            // Some readers skip it, for others it is the end.
            problems.insert(Problem::HeaderMalformed);
        }
        self.is_ascii &= line.is_ascii;
        self.octets.extend_from_slice(text);
        self.octets.extend_from_slice(b"\r\n");
        Read::More
    }

    /// The kind of content that follows, and the type of a leaf.
    pub(super) fn end(self, has_utf8: bool, problems: &mut BTreeSet<Problem>) -> (Kind, Leaf) {
        let is_utf8 = || std::str::from_utf8(&self.octets).is_ok();
        let is_fine = self.is_ascii || has_utf8 && is_utf8();
        if !is_fine {
            problems.insert(Problem::EightBitHeader);
        }
        let section = HeaderSection::parse(Bytes::from(self.octets));
        if self.is_outermost {
            field_checks::message(&section, problems);
        }
        field_checks::content(&section, problems);
        let first = |name| section.all(name).next();
        let parameters = |field: HeaderField| field_parameters(field.octets());
        let content_type = first("content-type").map(parameters).unwrap_or_default();
        let disposition = first("content-disposition").map(parameters);
        let disposition = disposition.unwrap_or_default();
        let is_type = content_type
            .value
            .split_once('/')
            .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty());
        let name = disposition
            .parameter("filename")
            .or(content_type.parameter("name"));
        let mut leaf = Leaf {
            name: name
                .filter(|name| !name.trim().is_empty())
                .map(str::to_owned),
            is_attachment: disposition.value == "attachment",
            ..Leaf::default()
        };
        leaf.content_type = match is_type {
            true => content_type.value.clone(),
            false => self.default_type.to_owned(),
        };
        let encoding = section.all("content-transfer-encoding").next();
        let encoding = encoding.map(|field| field.text().to_ascii_lowercase());
        let encoding = encoding.unwrap_or_default();
        leaf.is_base64 = encoding == "base64";
        leaf.is_eight_bit = encoding == "8bit" || encoding == "binary";
        let is_multipart = leaf.content_type.starts_with("multipart/");
        let is_message = ["message/rfc822", "message/global"].contains(&&*leaf.content_type);
        let is_encoded = leaf.is_base64 || encoding == "quoted-printable";
        // With several, readers take either the first or the last.
        leaf.hides_parts = AMBIGUOUS
            .iter()
            .any(|name| section.all(name).nth(1).is_some())
            || is_multipart && leaf.is_base64;
        if is_encoded && (is_multipart || is_message) {
            problems.insert(Problem::MultipartEncoded);
        }
        if is_multipart {
            let is_usable = |boundary: &[u8]| boundary.len() <= BOUNDARY_LOOKED_FOR;
            let (all, mut boundaries) = (content_type.boundaries(), Vec::new());
            for boundary in all {
                match is_usable(boundary) {
                    true => boundaries.push(boundary.to_vec()),
                    false => leaf.hides_parts = true,
                }
            }
            let is_valid =
                |boundary: &Vec<u8>| boundary.len() <= BOUNDARY_MAX && !boundary.ends_with(b" ");
            if !boundaries.first().is_some_and(is_valid) {
                problems.insert(Problem::BoundaryInvalid);
            }
            if !boundaries.is_empty() {
                let is_digest = leaf.content_type == "multipart/digest";
                let kind = Kind::Multipart {
                    boundaries,
                    is_digest,
                };
                return (kind, leaf);
            }
        }
        if is_message && !is_encoded {
            return (Kind::Message, leaf);
        }
        leaf.hides_parts |= is_multipart || is_message;
        (Kind::Leaf, leaf)
    }
}

/// Whether a line begins a field: RFC 5322 section 2.2, with the blanks of section 4.5.8.
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr(b':', line) else {
        return false;
    };
    let name = line[..colon].trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}
