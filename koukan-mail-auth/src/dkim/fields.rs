//! The fields of a header section.

use memchr::memmem;

/// A header field: all of its octets, without the CRLF that ends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) octets: &'a [u8],
    colon: usize,
}

impl<'a> Field<'a> {
    /// A field, unless it has no colon.
    pub(crate) fn new(octets: &'a [u8]) -> Option<Self> {
        let colon = memchr::memchr(b':', octets)?;
        Some(Self { octets, colon })
    }

    /// What stands before the colon.
    pub(crate) fn name(&self) -> &'a [u8] {
        &self.octets[..self.colon]
    }

    /// What stands behind it.
    pub(crate) fn value(&self) -> &'a [u8] {
        &self.octets[self.colon + 1..]
    }

    /// Whether it has that name.
    pub(crate) fn is(&self, name: &str) -> bool {
        let own = self.name().trim_ascii_end();
        own.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header section, from its top. What is no field is left out.
pub(crate) fn fields(section: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = section;
    let next = move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        let (field, after) = loop {
            match memmem::find(&rest[from..], b"\r\n") {
                None => break (rest, &rest[rest.len()..]),
                Some(end) => {
                    let end = from + end;
                    let next = end + 2;
                    match rest.get(next) {
                        Some(b' ' | b'\t') => from = next,
                        _ => break (&rest[..end], &rest[next..]),
                    }
                }
            }
        };
        rest = after;
        Some(field)
    };
    std::iter::from_fn(next).filter_map(Field::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_ends_where_the_next_line_does_not_continue_it() {
        let section = b"A: 1\r\n 2\r\nno field\r\nB :3\r\n\r\nC:";
        let found: Vec<_> = fields(section)
            .map(|field| (field.name().to_vec(), field.value().to_vec()))
            .collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"A", b" 1\r\n 2"), (b"B ", b"3"), (b"C", b"")];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_vec(), value.to_vec()))
        );
        assert!(fields(b"Subject \t: x").next().unwrap().is("subject"));
    }
}
