//! A header section and what follows it.

use bytes::Bytes;
use memchr::memchr;

/// Header fields of one entity that are looked at.
const MAX_FIELDS: usize = 1000;

/// A message or a part of one.
pub(super) struct Entity {
    pub(super) fields: Vec<Field>,
    pub(super) body: Bytes,
}

/// A header field.
pub(super) struct Field {
    /// In lower case.
    pub(super) name: String,
    /// What stands after the colon, with its line ends.
    pub(super) value: Bytes,
}

impl Entity {
    /// Takes the header section off. It ends with an empty line, or before a line that is no field.
    pub(super) fn split(octets: Bytes) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        let mut open: Option<(String, usize)> = None;
        let mut position = 0;
        let mut body = octets.len();
        while position < octets.len() {
            let rest = &octets[position..];
            let end = position + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let line = without_end(&octets[position..end]);
            let is_continued = matches!(line.first(), Some(b' ' | b'\t')) && position > 0;
            let is_mbox = position == 0 && line.starts_with(b"From ");
            if !is_continued {
                close(&mut fields, open.take(), &octets, position);
                if line.is_empty() {
                    body = end;
                    break;
                }
                match name(line) {
                    Some((name, after)) => open = Some((name, position + after)),
                    None if is_mbox => {}
                    None => {
                        body = position;
                        break;
                    }
                }
            }
            position = end;
        }
        close(&mut fields, open.take(), &octets, position);
        Self {
            fields,
            body: octets.slice(body..),
        }
    }

    /// The first field of that name.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn close(fields: &mut Vec<Field>, open: Option<(String, usize)>, octets: &Bytes, end: usize) {
    if let Some((name, start)) = open
        && fields.len() < MAX_FIELDS
    {
        let value = octets.slice(start..end);
        fields.push(Field { name, value });
    }
}

/// The name of a field, and where its value begins: RFC 5322 section 3.6.8, with the blanks of
/// section 4.5.
fn name(line: &[u8]) -> Option<(String, usize)> {
    let colon = memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    let name = std::str::from_utf8(name).ok().filter(|_| is_name)?;
    Some((name.to_ascii_lowercase(), colon + 1))
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &'static str) -> (Vec<(String, Bytes)>, Bytes) {
        let Entity { fields, body } = Entity::split(text.into());
        let fields = fields.into_iter().map(|field| (field.name, field.value));
        (fields.collect(), body)
    }

    fn fields(fields: &[(&str, &'static str)]) -> Vec<(String, Bytes)> {
        let fields = fields.iter();
        fields
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn the_header_section_ends_somewhere() {
        for (text, expected, body) in [
            ("", &[][..], ""),
            ("\r\nx", &[], "x"),
            ("A: b\r\n c\r\n\r\nx", &[("a", " b\r\n c\r\n")], "x"),
            ("A : b\n\tc\n\nx", &[("a", " b\n\tc\n")], "x"),
            ("A:b", &[("a", "b")], ""),
            ("A:b\r\nno field", &[("a", "b\r\n")], "no field"),
            ("no field\r\nA: b\r\n", &[], "no field\r\nA: b\r\n"),
            ("From x\r\nA: b\r\n\r\nx", &[("a", " b\r\n")], "x"),
            (" x: y\r\n\r\nz", &[], " x: y\r\n\r\nz"),
        ] {
            assert_eq!(split(text), (fields(expected), body.into()), "{text:?}");
        }
    }
}
