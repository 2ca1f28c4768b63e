//! A header section and its body.

use bytes::Bytes;
use memchr::memchr;

/// How many header fields of one entity are read.
const MAX_FIELDS: usize = 1000;

/// The maximum length of a line `From …`, in octets: RFC 5322 section 2.1.1 allows no longer lines.
const MAX_MBOX_FROM: usize = 998;

/// A message or a part of one.
pub(super) struct Entity {
    /// A first line `From …`, from the mbox that the message was in.
    pub(super) mbox_from: Option<Bytes>,
    pub(super) fields: Vec<Field>,
    pub(super) body: Bytes,
    /// The header section was too long: the body begins with the rest of it.
    pub(super) is_cut: bool,
}

/// A header field.
pub(super) struct Field {
    /// In lower case.
    pub(super) name: String,
    /// The text after the colon, with its line ends.
    pub(super) value: Bytes,
}

impl Entity {
    /// Splits off the header section. It ends with an empty line, before a line that is not a
    /// field, or before the field with which it would exceed `max` octets.
    pub(super) fn split(octets: Bytes, max: usize) -> Self {
        let mut entity = Self {
            mbox_from: None,
            fields: Vec::new(),
            body: Bytes::new(),
            is_cut: false,
        };
        let mut open: Option<Open> = None;
        let mut position = 0;
        let mut body = octets.len();
        while position < octets.len() {
            let rest = &octets[position..];
            let end = position + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let line = without_end(&octets[position..end]);
            let is_continued = matches!(line.first(), Some(b' ' | b'\t')) && position > 0;
            if !is_continued {
                if let Some(from) = entity.close(open.take(), &octets, position, max) {
                    body = from;
                    break;
                }
                if line.is_empty() {
                    body = end;
                    break;
                }
                match name(line) {
                    Some((name, after)) => {
                        open = Some(Open {
                            name,
                            from: position,
                            value: position + after,
                        });
                    }
                    None if position == 0
                        && line.starts_with(b"From ")
                        && line.len() <= MAX_MBOX_FROM =>
                    {
                        entity.mbox_from = Some(octets.slice_ref(line));
                    }
                    None => {
                        body = position;
                        break;
                    }
                }
            }
            position = end;
        }
        if let Some(from) = entity.close(open, &octets, position, max) {
            body = from;
        }
        entity.body = octets.slice(body..);
        entity
    }

    /// Adds a field. Returns its start if there is no room for it.
    fn close(
        &mut self,
        open: Option<Open>,
        octets: &Bytes,
        end: usize,
        max: usize,
    ) -> Option<usize> {
        let open = open?;
        if self.fields.len() == MAX_FIELDS || end > max {
            self.is_cut = true;
            return Some(open.from);
        }
        let value = octets.slice(open.value..end);
        let name = open.name;
        self.fields.push(Field { name, value });
        None
    }

    /// The first field with that name.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.all(name).next()
    }

    /// The fields with that name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The octets of the header section.
    pub(super) fn header_octets(&self) -> usize {
        let octets = |field: &Field| field.name.len() + field.value.len();
        self.fields.iter().map(octets).sum()
    }
}

/// A field whose end was not reached yet.
struct Open {
    name: String,
    from: usize,
    value: usize,
}

/// The name of a field, and the start of its value: RFC 5322 section 3.6.8, with the blanks of
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
        let Entity { fields, body, .. } = Entity::split(text.into(), 1000);
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

    #[test]
    fn what_is_too_long_is_body() {
        for (max, expected, rest) in [
            (15, &[("a", " b\r\n"), ("c", " d\r\n")][..], "x"),
            (11, &[("a", " b\r\n")], "C: d\r\n\r\nx"),
            (5, &[], "A: b\r\nC: d\r\n\r\nx"),
        ] {
            let entity = Entity::split("A: b\r\nC: d\r\n\r\nx".into(), max);
            let is_cut = expected.len() < 2;
            assert_eq!((entity.is_cut, entity.body), (is_cut, rest.into()));
            let read = entity.fields.into_iter();
            let read: Vec<_> = read.map(|field| (field.name, field.value)).collect();
            assert_eq!(read, fields(expected));
        }
        let long = Bytes::from("From ".to_owned() + &"x".repeat(994) + "\r\nA: b\r\n");
        let entity = Entity::split(long.clone(), usize::MAX);
        assert_eq!((entity.mbox_from, entity.body), (None, long));
        let many = Bytes::from("A: b\r\n".repeat(1001));
        let entity = Entity::split(many, usize::MAX);
        assert_eq!(
            (entity.fields.len(), entity.body),
            (1000, "A: b\r\n".into())
        );
    }
}
