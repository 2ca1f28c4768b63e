//! Content that is encoded as it comes: RFC 2045 sections 6.7 and 6.8.

use bytes::{Bytes, BytesMut};

use crate::message::{base64_lines::Base64Lines, quoted_printable};

use super::pieces::{Piece, Pieces};

/// How content is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    QuotedPrintable,
    Base64,
}

/// Encodes the content of a part.
#[derive(Debug, Clone)]
pub(super) enum Encoder {
    QuotedPrintable(quoted_printable::Line),
    Base64(Base64Lines),
}

impl Encoding {
    /// As `Content-Transfer-Encoding` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    pub(super) fn encoder(self) -> Encoder {
        match self {
            Self::QuotedPrintable => Encoder::QuotedPrintable(quoted_printable::Line::default()),
            Self::Base64 => Encoder::Base64(Base64Lines::default()),
        }
    }
}

impl Encoder {
    /// Encodes lines that were kept.
    pub(super) fn kept(&mut self, octets: &[u8], out: &mut BytesMut) {
        for piece in Pieces::of(octets, true).all() {
            self.piece(&piece, out);
            if piece.is_end {
                self.line_end(out);
            }
        }
    }

    /// Goes on with the next octets of a line.
    pub(super) fn piece(&mut self, piece: &Piece<'_>, out: &mut BytesMut) {
        match self {
            Self::QuotedPrintable(line) => {
                let mut encoded = String::with_capacity(piece.octets.len());
                line.push(piece.octets, &mut encoded);
                out.extend_from_slice(encoded.as_bytes());
            }
            Self::Base64(lines) => encode(lines, Bytes::copy_from_slice(piece.octets), out),
        }
    }

    /// The line has ended, and belongs to the content.
    pub(super) fn line_end(&mut self, out: &mut BytesMut) {
        match self {
            Self::QuotedPrintable(line) => {
                *line = quoted_printable::Line::default();
                out.extend_from_slice(b"\r\n");
            }
            Self::Base64(lines) => encode(lines, Bytes::from_static(b"\r\n"), out),
        }
    }

    /// The content has ended. Says whether what was written ends with the end of a line.
    pub(super) fn finish(&mut self, out: &mut BytesMut) -> bool {
        match self {
            Self::QuotedPrintable(_) => false,
            Self::Base64(lines) => {
                out.extend_from_slice(&lines.finish());
                true
            }
        }
    }
}

fn encode(lines: &mut Base64Lines, octets: Bytes, out: &mut BytesMut) {
    lines.push(octets);
    while let Some(encoded) = lines.next_lines() {
        out.extend_from_slice(&encoded);
    }
}
