//! The message, and the parts within each other.

use bytes::BytesMut;
use memchr::memchr;

use super::{
    Signatures, Unconvertible,
    encoder::{Encoder, Encoding},
    header::{Header, Kind, Whose},
    pieces::Piece,
    transport::Passable,
};

/// Octets of a header section, at most.
const HEADER_MAX: usize = 64 << 10;
/// Octets of content that are looked at before it is decided whether to encode it.
const LOOK: usize = 32 << 10;
/// Multiparts within each other, at most: what is deeper stays as it is.
const DEPTH_MAX: usize = 50;

#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub(super) passable: Passable,
    pub(super) signatures: Signatures,
    /// The multiparts around what is read, the outermost first.
    around: Vec<Multipart>,
    place: Place,
    /// A line end came that was not written yet: it may be that of a delimiter.
    has_line_end: bool,
}

#[derive(Debug, Clone)]
struct Multipart {
    boundaries: Vec<Vec<u8>>,
    is_digest: bool,
}

#[derive(Debug, Clone)]
enum Place {
    Header {
        octets: Vec<u8>,
        whose: Whose,
    },
    /// What stays as it is: content, or what stands between parts.
    Fixed,
    /// Content of which it is not decided whether to encode it.
    Looking {
        header: Header,
        kept: Vec<u8>,
        encoding: Encoding,
    },
    Encoding(Encoder),
    /// What follows a delimiter in its line.
    Delimiter(Box<Place>),
}

/// A line that delimits parts of the multipart at that place among those around.
struct Delimiter {
    of: usize,
    is_last: bool,
}

impl Entity {
    pub(super) fn new(passable: Passable) -> Self {
        Self {
            passable,
            signatures: Signatures::default(),
            around: Vec::new(),
            place: Place::of_header(Whose::Message),
            has_line_end: false,
        }
    }

    pub(super) fn piece(
        &mut self,
        piece: &Piece<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Unconvertible> {
        if let Some(delimiter) = self.delimiter(piece) {
            return self.delimit(&delimiter, piece, out);
        }
        if let Place::Delimiter(next) = &mut self.place {
            let next = std::mem::replace(&mut **next, Place::Fixed);
            self.as_it_is(piece, out)?;
            if piece.is_end {
                self.end_delimiter(next, out);
            } else {
                self.place = Place::Delimiter(Box::new(next));
            }
            return Ok(());
        }
        if let Place::Header { .. } = self.place {
            return self.header_line(piece, out);
        }
        self.content(piece, out)
    }

    /// The message has ended.
    pub(super) fn finish(&mut self, out: &mut BytesMut) -> Result<(), Unconvertible> {
        if let Place::Header { .. } = self.place {
            self.end_header(out)?;
        }
        if self.has_line_end {
            self.line_end(out);
        }
        self.end_content(out);
        Ok(())
    }

    fn as_it_is(&self, piece: &Piece<'_>, out: &mut BytesMut) -> Result<(), Unconvertible> {
        if !self.passable.takes(piece) {
            return Err(Unconvertible);
        }
        out.extend_from_slice(piece.octets);
        Ok(())
    }

    // === impl Entity: header sections ===

    fn header_line(&mut self, piece: &Piece<'_>, out: &mut BytesMut) -> Result<(), Unconvertible> {
        let Place::Header { octets, whose } = &mut self.place else {
            return Ok(());
        };
        if piece.is_start && piece.octets.is_empty() && piece.is_end {
            octets.extend_from_slice(b"\r\n");
            return self.end_header(out);
        }
        let is_part = matches!(whose, Whose::Part { .. });
        let is_continued = !octets.is_empty() && matches!(piece.octets, [b' ' | b'\t', ..]);
        if is_part && piece.is_start && !is_continued && !is_field(piece.octets) {
            // There is no header section, or no end of it: this is content.
            self.end_header(out)?;
            return self.piece(piece, out);
        }
        if !self.passable.takes(piece) || octets.len() + piece.octets.len() > HEADER_MAX {
            return Err(Unconvertible);
        }
        octets.extend_from_slice(piece.octets);
        if piece.is_end {
            octets.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn end_header(&mut self, out: &mut BytesMut) -> Result<(), Unconvertible> {
        let place = std::mem::replace(&mut self.place, Place::Fixed);
        let Place::Header { octets, whose } = place else {
            return Ok(());
        };
        let header = Header::new(octets, whose);
        let is_kept = self.signatures == Signatures::Keep;
        if whose == Whose::Message && is_kept && header.is_signed() {
            out.extend_from_slice(header.octets());
            return Ok(());
        }
        let lowered = self.passable.lowered(header.encoding());
        match header.kind(self.signatures) {
            Kind::Multipart {
                boundaries,
                is_digest,
            } if self.around.len() < DEPTH_MAX => {
                write_header(&header, lowered, out);
                self.around.push(Multipart {
                    boundaries,
                    is_digest,
                });
            }
            Kind::Message => {
                write_header(&header, lowered, out);
                self.place = Place::of_header(Whose::AttachedMessage);
            }
            Kind::Bare(encoding) if header.encoding() == "binary" => {
                self.encode(&header, encoding, out);
            }
            Kind::Bare(encoding) => {
                self.place = Place::Looking {
                    header,
                    kept: Vec::new(),
                    encoding,
                };
            }
            Kind::Fixed | Kind::Multipart { .. } => out.extend_from_slice(header.octets()),
        }
        Ok(())
    }

    // === impl Entity: content ===

    fn content(&mut self, piece: &Piece<'_>, out: &mut BytesMut) -> Result<(), Unconvertible> {
        if std::mem::take(&mut self.has_line_end) {
            self.line_end(out);
        }
        self.decide(piece, out);
        match &mut self.place {
            Place::Looking { kept, .. } => kept.extend_from_slice(piece.octets),
            Place::Encoding(encoder) => encoder.piece(piece, out),
            _ => self.as_it_is(piece, out)?,
        }
        self.has_line_end = piece.is_end;
        Ok(())
    }

    /// Decides whether content is encoded, by the next of it.
    fn decide(&mut self, piece: &Piece<'_>, out: &mut BytesMut) {
        let Place::Looking { header, kept, .. } = &self.place else {
            return;
        };
        let is_taken = self.passable.takes(piece);
        if is_taken && kept.len() < LOOK {
            return;
        }
        // What declares that it may need to be encoded most likely does.
        let is_declared = self.passable.lowered(header.encoding()).is_some();
        let place = std::mem::replace(&mut self.place, Place::Fixed);
        let Place::Looking {
            header,
            kept,
            encoding,
        } = place
        else {
            return;
        };
        if is_taken && !is_declared {
            out.extend_from_slice(header.octets());
            out.extend_from_slice(&kept);
            return;
        }
        self.encode(&header, encoding, out);
        if let Place::Encoding(encoder) = &mut self.place {
            encoder.kept(&kept, out);
        }
    }

    fn encode(&mut self, header: &Header, encoding: Encoding, out: &mut BytesMut) {
        write_header(header, Some(encoding.name()), out);
        self.place = Place::Encoding(encoding.encoder());
    }

    /// Writes the line end that came, since it is content.
    fn line_end(&mut self, out: &mut BytesMut) {
        match &mut self.place {
            Place::Looking { kept, .. } => kept.extend_from_slice(b"\r\n"),
            Place::Encoding(encoder) => encoder.line_end(out),
            _ => out.extend_from_slice(b"\r\n"),
        }
    }

    /// Writes what is left of the content. Says whether that ends with the end of a line.
    fn end_content(&mut self, out: &mut BytesMut) -> bool {
        match std::mem::replace(&mut self.place, Place::Fixed) {
            Place::Looking { header, kept, .. } => {
                out.extend_from_slice(header.octets());
                out.extend_from_slice(&kept);
                false
            }
            Place::Encoding(mut encoder) => encoder.finish(out),
            _ => false,
        }
    }

    // === impl Entity: delimiters ===

    fn delimiter(&self, piece: &Piece<'_>) -> Option<Delimiter> {
        if self.around.is_empty() || !piece.is_start {
            return None;
        }
        let text = piece.octets.strip_prefix(b"--")?;
        let around = self.around.iter().enumerate().rev();
        around.into_iter().find_map(|(of, multipart)| {
            multipart.boundaries.iter().find_map(|boundary| {
                match text.strip_prefix(&**boundary)? {
                    [] | [b' ' | b'\t', ..] => Some(Delimiter { of, is_last: false }),
                    [b'-', b'-', ..] => Some(Delimiter { of, is_last: true }),
                    _ => None,
                }
            })
        })
    }

    fn delimit(
        &mut self,
        delimiter: &Delimiter,
        piece: &Piece<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Unconvertible> {
        if let Place::Header { .. } = self.place {
            self.end_header(out)?;
        }
        let is_at_line_start = self.end_content(out);
        if std::mem::take(&mut self.has_line_end) && !is_at_line_start {
            out.extend_from_slice(b"\r\n");
        }
        self.around.truncate(delimiter.of + 1);
        let next = match delimiter.is_last {
            true => {
                self.around.pop();
                Place::Fixed
            }
            false => Place::of_header(Whose::Part {
                is_of_digest: self.around[delimiter.of].is_digest,
            }),
        };
        self.as_it_is(piece, out)?;
        match piece.is_end {
            true => self.end_delimiter(next, out),
            false => self.place = Place::Delimiter(Box::new(next)),
        }
        Ok(())
    }

    fn end_delimiter(&mut self, next: Place, out: &mut BytesMut) {
        // After the last one it may belong to the next delimiter.
        match next {
            Place::Header { .. } => out.extend_from_slice(b"\r\n"),
            _ => self.has_line_end = true,
        }
        self.place = next;
    }
}

// === impl Place ===

impl Place {
    fn of_header(whose: Whose) -> Self {
        Self::Header {
            octets: Vec::new(),
            whose,
        }
    }
}

fn write_header(header: &Header, encoding: Option<&'static str>, out: &mut BytesMut) {
    match encoding {
        Some(encoding) => out.extend_from_slice(&header.with_encoding(encoding)),
        None => out.extend_from_slice(header.octets()),
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
