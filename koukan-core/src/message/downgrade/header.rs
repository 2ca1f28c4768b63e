//! What a header section says of what follows, and what is said in its place.

use bytes::Bytes;
use memchr::memchr_iter;

use crate::message::{
    header_fields::HeaderFields, header_section::HeaderSection, parser::field_parameters,
};

use super::{Signatures, encoder::Encoding};

/// Octets of a boundary that is looked for, at most.
const BOUNDARY_MAX: usize = 200;

/// Fields that hold signatures of the message: RFC 6376, RFC 8617, RFC 4870.
const SIGNATURES: [&str; 4] = [
    "dkim-signature",
    "arc-message-signature",
    "arc-seal",
    "domainkey-signature",
];

/// What has the header section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Message,
    /// One that is attached.
    AttachedMessage,
    Part {
        is_of_digest: bool,
    },
}

/// A header section that has ended.
#[derive(Debug, Clone)]
pub(super) struct Header {
    octets: Bytes,
    whose: Whose,
    has_type: bool,
    content_type: String,
    /// In lower case; empty where there is none.
    encoding: String,
    boundaries: Vec<Vec<u8>>,
    /// Whether an LF without a CR is in it, after which some readers see another field, or the end.
    has_bare_lf: bool,
}

/// What follows a header section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Multipart {
        boundaries: Vec<Vec<u8>>,
        is_digest: bool,
    },
    Message,
    /// Content that may be encoded, and is not.
    Bare(Encoding),
    /// What stays as it is.
    Fixed,
}

impl Header {
    /// Takes the octets for a header section, with the empty line that ends it if there is one.
    pub(super) fn new(octets: Vec<u8>, whose: Whose) -> Self {
        let octets = Bytes::from(octets);
        let section = HeaderSection::parse(octets.clone());
        let first = |name| {
            let field = section.all(name).next()?;
            Some(field_parameters(field.octets()))
        };
        let content_type = first("content-type").unwrap_or_default();
        let encoding = first("content-transfer-encoding").unwrap_or_default();
        let usable = content_type.boundaries();
        let usable = usable.filter(|boundary| boundary.len() <= BOUNDARY_MAX);
        let mut line_feeds = memchr_iter(b'\n', &octets);
        let is_bare = |at: usize| !octets[..at].ends_with(b"\r");
        Self {
            has_bare_lf: line_feeds.any(is_bare),
            boundaries: usable.map(<[u8]>::to_vec).collect(),
            has_type: section.all("content-type").next().is_some(),
            content_type: content_type.value,
            encoding: encoding.value.trim().to_ascii_lowercase(),
            octets,
            whose,
        }
    }

    /// As it came.
    pub(super) fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// Its `Content-Transfer-Encoding`, in lower case; empty where there is none.
    pub(super) fn encoding(&self) -> &str {
        &self.encoding
    }

    /// Whether somebody has signed the message.
    pub(super) fn is_signed(&self) -> bool {
        let section = HeaderSection::parse(self.octets.clone());
        let mut names = SIGNATURES.iter();
        names.any(|name| section.all(name).next().is_some())
    }

    /// What follows. A header section with a bare LF stays as it is: without one of its fields it might end earlier.
    pub(super) fn kind(&self, signatures: Signatures) -> Kind {
        let is_bare = matches!(&*self.encoding, "" | "7bit" | "8bit" | "binary");
        if !is_bare || self.has_bare_lf {
            return Kind::Fixed;
        }
        let default = match self.whose {
            Whose::Part { is_of_digest: true } => "message/rfc822",
            _ => "text/plain",
        };
        let content_type = match self.content_type.split_once('/') {
            Some((kind, subtype)) if !kind.is_empty() && !subtype.is_empty() => &*self.content_type,
            _ => default,
        };
        let (kind, subtype) = content_type.split_once('/').unwrap_or_default();
        match (kind, subtype) {
            ("multipart", "signed" | "encrypted") if signatures == Signatures::Keep => Kind::Fixed,
            ("multipart", _) if self.boundaries.is_empty() => Kind::Fixed,
            ("multipart", _) => Kind::Multipart {
                boundaries: self.boundaries.clone(),
                is_digest: subtype == "digest",
            },
            ("message", "rfc822") => Kind::Message,
            // RFC 6532 section 3.7 and RFC 6533: these may be encoded, and others of their kind may not
            // (RFC 2045 section 6.4).
            ("message", _) if subtype.starts_with("global") => Kind::Bare(Encoding::Base64),
            ("message", _) => Kind::Fixed,
            // What is no line has no place in text: what a line end is might be lost.
            ("text", _) if self.encoding != "binary" => Kind::Bare(Encoding::QuotedPrintable),
            _ => Kind::Bare(Encoding::Base64),
        }
    }

    /// The header section of the same with another encoding.
    pub(super) fn with_encoding(&self, encoding: &'static str) -> Bytes {
        let mut octets = self.octets.clone();
        let is_ended = octets == "\r\n" || octets.ends_with(b"\r\n\r\n");
        if !is_ended {
            octets = [&*octets, b"\r\n"].concat().into();
        }
        let mut fields = HeaderFields::parse(octets);
        let mut set = |name, value| {
            let set = fields.replace(name, value);
            set.expect("names and values are constant, and fields");
        };
        set("Content-Transfer-Encoding", encoding);
        let is_message = !matches!(self.whose, Whose::Part { .. });
        if is_message && !self.has_type {
            // RFC 1428: nobody knows what the octets stand for.
            set("Content-Type", "text/plain; charset=unknown-8bit");
        }
        if is_message && fields.first("MIME-Version").is_none() {
            let added = fields.add("MIME-Version", "1.0");
            added.expect("name and value are constant, and a field");
        }
        fields.to_octets()
    }
}
