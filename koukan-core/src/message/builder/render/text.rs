//! Transfer encoding of text.

use bytes::{Bytes, BytesMut};

use crate::message::{base64_lines, quoted_printable};

/// The maximum length, in octets, of a text in a blob that is encoded like an inline text: it is
/// held in memory.
const SMALL: usize = 32 << 10;
/// The maximum line length of 7bit text, in octets; longer lines are encoded, so that no agent
/// wraps them.
const LINE: usize = 78;

/// A text in its transfer encoding.
pub(super) struct Encoded {
    pub(super) encoding: &'static str,
    pub(super) octets: Bytes,
}

/// The beginning of a text in a blob, until its encoding can be chosen.
///
/// The choice depends only on the octets, not on their chunks, so that each rendering is the same.
pub(crate) struct TextBlob {
    octets: BytesMut,
    /// Its line ends must stay as they are.
    is_attachment: bool,
    /// It ends the message, so its last line needs an end.
    is_last: bool,
}

impl TextBlob {
    pub(super) fn new(is_attachment: bool, is_last: bool) -> Self {
        Self {
            octets: BytesMut::new(),
            is_attachment,
            is_last,
        }
    }

    /// Takes octets; false if there are too many now.
    pub(super) fn take(&mut self, octets: &[u8]) -> bool {
        self.octets.extend_from_slice(octets);
        self.octets.len() <= SMALL
    }

    /// The octets taken so far.
    pub(super) fn into_octets(self) -> Bytes {
        self.octets.freeze()
    }

    /// The whole text, preceded by the field that names its encoding.
    pub(super) fn finish(self) -> Bytes {
        let encoded = match std::str::from_utf8(&self.octets) {
            Ok(text) if !self.is_attachment || canonical(text) == text => encode_text(text),
            _ => encode_octets(&self.octets),
        };
        let mut whole = encoding_field(encoded.encoding);
        whole.extend_from_slice(&encoded.octets);
        if self.is_last && !whole.ends_with(b"\r\n") {
            whole.extend_from_slice(b"\r\n");
        }
        whole.freeze()
    }
}

/// The field that names an encoding, and the empty line after it.
pub(super) fn encoding_field(encoding: &str) -> BytesMut {
    format!("Content-Transfer-Encoding: {encoding}\r\n\r\n")
        .as_bytes()
        .into()
}

/// Encodes a text after converting all line ends to CRLF.
pub(super) fn encode_text(text: &str) -> Encoded {
    let text = canonical(text);
    if is_seven_bit(&text) {
        return Encoded {
            encoding: "7bit",
            octets: text.into(),
        };
    }
    if quoted_printable::encoded_len(&text) > text.len().div_ceil(3) * 4 * 78 / 76 {
        return encode_octets(text.as_bytes());
    }
    Encoded {
        encoding: "quoted-printable",
        octets: quoted_printable::encode(text.as_bytes()).into(),
    }
}

/// Encodes octets unchanged.
pub(super) fn encode_octets(octets: &[u8]) -> Encoded {
    let mut lines = String::with_capacity(octets.len() / 57 * 78 + 80);
    base64_lines::encode(octets, &mut lines);
    Encoded {
        encoding: "base64",
        octets: lines.into(),
    }
}

/// The text with all line ends converted to CRLF.
fn canonical(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(end) = rest.find(['\r', '\n']) {
        canonical.push_str(&rest[..end]);
        canonical.push_str("\r\n");
        let length = if rest[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + length..];
    }
    canonical.push_str(rest);
    canonical
}

fn is_seven_bit(text: &str) -> bool {
    let is_fine = |line: &str| {
        line.len() <= LINE
            && line.bytes().all(|octet| octet.is_ascii_graphic() || b" \t".contains(&octet))
            && !line.ends_with([' ', '\t'])
            && !line.starts_with("From ")
            // Boundaries begin with this.
            && !line.contains("=_")
    };
    text.split("\r\n").all(is_fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> (&'static str, String) {
        let Encoded { encoding, octets } = encode_text(text);
        (encoding, String::from_utf8(octets.to_vec()).unwrap())
    }

    #[test]
    fn plain_text_stays_as_it_is_but_for_line_ends() {
        for (text, expected) in [
            ("", ""),
            ("a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd"),
            ("\r\r\n\n", "\r\n\r\n\r\n"),
        ] {
            assert_eq!(encoded(text), ("7bit", expected.into()));
        }
    }

    #[test]
    fn the_rest_is_encoded() {
        for text in [
            "a ",
            "=_",
            "From x",
            "\0",
            "grün und länger als das andere",
            &"x".repeat(79),
        ] {
            assert_eq!(encoded(text).0, "quoted-printable", "{text}");
        }
        assert_eq!(
            encoded("日本語のテキスト"),
            ("base64", "5pel5pys6Kqe44Gu44OG44Kt44K544OI\r\n".into())
        );
    }
}
