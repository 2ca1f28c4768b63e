//! The fields of a header section.

use std::collections::HashMap;

use memchr::memmem;

/// A header field: all its octets, without the final CRLF.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) octets: &'a [u8],
    colon: usize,
}

impl<'a> Field<'a> {
    /// A field; `None` where the text has no colon.
    pub(crate) fn new(octets: &'a [u8]) -> Option<Self> {
        let colon = memchr::memchr(b':', octets)?;
        Some(Self { octets, colon })
    }

    /// The octets before the colon.
    pub(crate) fn name(&self) -> &'a [u8] {
        &self.octets[..self.colon]
    }

    /// The octets after the colon.
    pub(crate) fn value(&self) -> &'a [u8] {
        &self.octets[self.colon + 1..]
    }

    /// Whether the field has this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        let own = self.name().trim_ascii_end();
        own.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header section, from the top. Lines that are not fields are left out.
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

/// The fields of a header section by their names.
///
/// Both the fields and the names in a signature may be as many as fit into a header section, so a
/// look-up by name is a hash map's.
pub(crate) struct ByName<'a>(HashMap<Vec<u8>, Vec<Field<'a>>>);

impl<'a> ByName<'a> {
    pub(crate) fn of(section: &'a [u8]) -> Self {
        let mut all: HashMap<_, Vec<_>> = HashMap::new();
        for field in fields(section) {
            let name = field.name().trim_ascii_end().to_ascii_lowercase();
            all.entry(name).or_default().push(field);
        }
        Self(all)
    }

    /// The fields that a signature with these names covers: for each name, from the last field to the first
    /// (RFC 6376 section 5.4.2). A name that occurs more often than its fields is left out.
    pub(crate) fn named<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
    ) -> impl Iterator<Item = &Field<'a>> {
        let mut taken: HashMap<_, usize> = HashMap::new();
        names.filter_map(move |name| {
            let name = name.to_ascii_lowercase().into_bytes();
            let there = self.0.get(&name)?;
            let taken = taken.entry(name).or_default();
            *taken += 1;
            there.get(there.len().checked_sub(*taken)?)
        })
    }
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

    #[test]
    fn fields_are_taken_by_their_names_from_the_last_to_the_first() {
        let all = ByName::of(b"A: 1\r\nB: 2\r\na : 3\r\nA: 4\r\n");
        let named = |names: &str| {
            let found = all.named(names.split(':')).map(|field| field.octets);
            String::from_utf8(found.collect::<Vec<_>>().join(&b'|')).unwrap()
        };
        assert_eq!(named("a:b:c:A:A:A:B"), "A: 4|B: 2|a : 3|A: 1");
        assert_eq!(named(""), "");
    }
}
