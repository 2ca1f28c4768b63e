//! The fields of a header section as values that can be changed: [`HeaderFields`].

use bytes::{Bytes, BytesMut};
use memchr::memchr;

use super::{
    builder,
    header_edit::{HeaderEdit, InvalidField},
    header_section::{HeaderField, HeaderSection},
};

/// The header section of a message, to read and change.
///
/// [`Body::header`](crate::body::Body::header) returns it, and
/// [`Body::set_header`](crate::body::Body::set_header) puts it back. Unchanged fields keep their octets and
/// their order. Added fields stand before all others, in the order in which they were added. If fields are
/// only added, a message that is passed on by reference stays a reference.
///
/// # Example
///
/// ```
/// use koukan_core::message::header_fields::HeaderFields;
///
/// let mut header = HeaderFields::parse("Subject: hi\r\nX-Old: 1,\r\n 2\r\nBcc: a@example.com\r\n\r\n");
/// assert_eq!(header.first("subject").unwrap().text(), "hi");
/// assert_eq!(header.remove("Bcc"), 1);
/// assert_eq!(header.rename("X-Old", "X-New")?, 1);
/// header.replace_text("Subject", "grüß dich")?;
/// header.add("X-Seen", "yes")?;
/// assert_eq!(
///     header.to_octets(),
///     "X-Seen: yes\r\nSubject: =?utf-8?B?Z3LDvMOfIGRpY2g=?=\r\nX-New: 1,\r\n 2\r\n\r\n",
/// );
/// # Ok::<(), koukan_core::message::header_edit::InvalidField>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct HeaderFields {
    /// Of the header section as it came.
    octets: u64,
    /// What was added, each field checked.
    added: HeaderSection,
    /// What is left of the header section, with the empty line at its end.
    rest: HeaderSection,
    is_rest_changed: bool,
}

impl HeaderFields {
    /// Parses octets as a header section, with the empty line at its end.
    pub fn parse(octets: impl Into<Bytes>) -> Self {
        let rest = HeaderSection::parse(octets);
        Self {
            octets: rest.octets().len() as u64,
            rest,
            ..Self::default()
        }
    }

    /// The fields of this name, in order. ASCII case does not matter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = HeaderField> + 'a {
        self.added.all(name).chain(self.rest.all(name))
    }

    /// The first field of that name.
    pub fn first(&self, name: &str) -> Option<HeaderField> {
        self.all(name).next()
    }

    /// Adds a field before those of the message.
    ///
    /// The value is written unchanged, so a message with a value that is not ASCII needs SMTPUTF8 (RFC 6532). For text that
    /// people read, use [`HeaderFields::add_text`].
    ///
    /// # Errors
    ///
    /// [`InvalidField`]; nothing is changed then.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), InvalidField> {
        self.put(&field(name, value)?);
        Ok(())
    }

    /// As [`HeaderFields::add`], for text of any length that people read, such as that of `Subject`. [`HeaderField::text`]
    /// returns it. The field is written in ASCII: with encoded words if necessary (RFC 2047), and folded if it is long.
    ///
    /// Do not use it for fields with a grammar of their own, such as `From` and `Content-Type`.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] if the name is not a field name, or the text contains control characters; nothing is changed then.
    pub fn add_text(&mut self, name: &str, text: &str) -> Result<(), InvalidField> {
        self.put(&text_field(name, text)?);
        Ok(())
    }

    /// Removes all fields of this name. Returns their number.
    pub fn remove(&mut self, name: &str) -> usize {
        self.change(name, |_, _| {})
    }

    /// Replaces the first field of this name, and removes the others. Where there is none, the field is
    /// [added](Self::add).
    ///
    /// # Errors
    ///
    /// As of [`HeaderFields::add`].
    pub fn replace(&mut self, name: &str, value: &str) -> Result<(), InvalidField> {
        self.put_in_place(name, &field(name, value)?);
        Ok(())
    }

    /// As [`HeaderFields::replace`], for text that people read; see [`HeaderFields::add_text`].
    ///
    /// # Errors
    ///
    /// As of [`HeaderFields::add_text`].
    pub fn replace_text(&mut self, name: &str, text: &str) -> Result<(), InvalidField> {
        self.put_in_place(name, &text_field(name, text)?);
        Ok(())
    }

    /// Renames all fields of one name. Returns their number. Their values keep their octets.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] where `to` is no name; nothing is changed then.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<usize, InvalidField> {
        field(to, "")?;
        Ok(self.change(from, |field, out| {
            let colon = memchr(b':', field).unwrap_or_default();
            out.extend_from_slice(to.as_bytes());
            out.extend_from_slice(&field[colon..]);
        }))
    }

    /// Applies an edit.
    pub fn apply(&mut self, edit: &HeaderEdit) {
        for section in [&mut self.added, &mut self.rest] {
            let left = edit.left_of(section.octets());
            if left.len() < section.octets().len() {
                *section = HeaderSection::parse(left);
                // Of what was added something is put before the rest all the same.
                self.is_rest_changed = true;
            }
        }
        let added = [&**self.added.octets(), edit.added()].concat();
        self.added = HeaderSection::parse(added);
    }

    /// Octets of the header section as it came.
    pub(crate) fn octets_before(&self) -> u64 {
        self.octets
    }

    /// What is put before the message where nothing else of it was changed, which is often nothing.
    pub(crate) fn only_added(&self) -> Option<Bytes> {
        (!self.is_rest_changed).then(|| self.before_rest())
    }

    /// The current header section.
    ///
    /// If the message does not begin with a header section, an empty line separates it from the added fields
    /// ([`Opening`](super::opening::Opening)).
    pub fn to_octets(&self) -> Bytes {
        [&*self.before_rest(), &**self.rest.octets()]
            .concat()
            .into()
    }

    fn before_rest(&self) -> Bytes {
        HeaderEdit::separated(self.added.octets(), self.rest.octets())
    }

    /// Adds a field after the other added ones.
    fn put(&mut self, field: &[u8]) {
        let added = [&**self.added.octets(), field].concat();
        self.added = HeaderSection::parse(added);
    }

    /// Replaces all fields of that name by a field.
    fn put_in_place(&mut self, name: &str, field: &[u8]) {
        let mut is_there = false;
        self.change(name, |_, out| {
            if !is_there {
                out.extend_from_slice(field);
            }
            is_there = true;
        });
        if !is_there {
            self.put(field);
        }
    }

    /// Has `write` put something in the place of each field of that name.
    fn change(&mut self, name: &str, mut write: impl FnMut(&[u8], &mut BytesMut)) -> usize {
        let mut count = 0;
        for section in [&mut self.added, &mut self.rest] {
            let mut out = BytesMut::with_capacity(section.octets().len());
            let before = count;
            section.each_line_or_field(name, |octets, is_field| {
                if !is_field {
                    return out.extend_from_slice(octets);
                }
                count += 1;
                write(octets, &mut out);
            });
            if count > before {
                *section = HeaderSection::parse(out);
            }
        }
        // Of what was added something is put before the rest all the same.
        self.is_rest_changed |= count > 0;
        count
    }
}

/// A field that can be put into a header section, with its line end.
fn field(name: &str, value: &str) -> Result<Bytes, InvalidField> {
    let edit = HeaderEdit::default().with(name, value)?;
    Ok(Bytes::copy_from_slice(edit.added()))
}

/// A field with text, written in ASCII.
fn text_field(name: &str, text: &str) -> Result<Bytes, InvalidField> {
    field(name, "")?;
    match text.chars().any(char::is_control) {
        true => Err(InvalidField::Value),
        false => Ok(builder::text_field(name, text).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_all_else_as_it_is() {
        for header in [
            "",
            "\r\n",
            "A: b\r\n\r\n",
            "A : b\r\n c\r\nB: d\r\nno field\r\na: e\r\n\tf\r\n\r\n",
            " folded\r\nA: b\n\n",
            "B: d",
        ] {
            let fields = HeaderFields::parse(header);
            assert_eq!(fields.to_octets(), header);
            assert_eq!(fields.only_added().unwrap(), "");
            let mut none = fields.clone();
            assert_eq!(none.remove("C"), 0);
            assert_eq!(none.rename("C", "D"), Ok(0));
            assert_eq!(none.to_octets(), header);
            assert!(none.only_added().is_some());
            let mut without = fields.clone();
            without.remove("A");
            let edit = HeaderEdit::default().without("A");
            assert_eq!(without.to_octets(), edit.apply(header.as_bytes()));
            let mut renamed = fields.clone();
            let count = renamed.rename("A", "C").unwrap();
            assert_eq!(renamed.all("C").count(), count);
            assert_eq!(renamed.rename("C", "A"), Ok(count));
            let spaceless = header.replace("A :", "A:").replace("a:", "A:");
            assert_eq!(renamed.to_octets(), spaceless);
        }
    }

    #[test]
    fn a_field_is_replaced_where_the_first_one_stands() {
        let replaced = |header: &str| {
            let mut fields = HeaderFields::parse(header.to_owned());
            fields.replace("A", "new").unwrap();
            String::from_utf8(fields.to_octets().to_vec()).unwrap()
        };
        for (header, expected) in [
            ("B: c\r\n\r\n", "A: new\r\nB: c\r\n\r\n"),
            (
                "B: c\r\na: d\r\n e\r\nC: f\r\nA: g\r\n\r\n",
                "B: c\r\nA: new\r\nC: f\r\n\r\n",
            ),
            ("B: c\r\nA: d", "B: c\r\nA: new\r\n"),
            ("text", "A: new\r\n\r\ntext"),
        ] {
            assert_eq!(replaced(header), expected, "{header}");
        }
    }

    #[test]
    fn what_was_added_is_a_field_as_others_are() {
        let mut fields = HeaderFields::parse("X: y\r\n\r\n");
        fields.add("A", "1").unwrap();
        fields.add("B", "2").unwrap();
        fields.add("A", "3").unwrap();
        assert_eq!(fields.only_added().unwrap(), "A: 1\r\nB: 2\r\nA: 3\r\n");
        assert_eq!(fields.first("B").unwrap().text(), "2");
        fields.replace("A", "4").unwrap();
        assert_eq!(fields.remove("B"), 1);
        assert_eq!(fields.to_octets(), "A: 4\r\nX: y\r\n\r\n");
        assert_eq!(fields.octets_before(), 8);
        for (name, value) in [("a b", "c"), ("", "c"), ("A", "b\r\nC: d")] {
            assert!(fields.add(name, value).is_err(), "{name}");
            assert!(fields.replace(name, value).is_err(), "{name}");
        }
        assert!(fields.rename("X", "a b").is_err());
        assert_eq!(fields.to_octets(), "A: 4\r\nX: y\r\n\r\n");
    }

    #[test]
    fn a_text_is_written_in_ascii_and_short_lines_and_read_back() {
        let long = "grün ".repeat(400);
        for text in [
            "",
            "hello",
            "[list] Grüße aus 日本",
            "=?utf-8?q?no_encoded_word?=",
            "two  spaces",
            long.trim_end(),
            &"x".repeat(2000),
        ] {
            for header in ["A: b\r\n\r\n", "Subject: old\r\nA: b\r\n\r\n"] {
                let mut fields = HeaderFields::parse(header);
                fields.replace_text("Subject", text).unwrap();
                assert_eq!(fields.first("Subject").unwrap().text(), text);
                assert_eq!(fields.all("Subject").count(), 1);
                let octets = fields.to_octets();
                assert!(octets.is_ascii(), "{octets:?}");
                let mut lines = octets.split(|octet| *octet == b'\n');
                assert!(lines.all(|line| line.len() <= 79), "{octets:?}");
                fields.add_text("Comments", text).unwrap();
                assert_eq!(fields.first("Comments").unwrap().text(), text);
                assert_eq!(fields.first("A").unwrap().text(), "b");
            }
        }
        let mut fields = HeaderFields::parse("A: b\r\n\r\n");
        for (name, text) in [("a b", "c"), ("", "c"), ("A", "b\r\nC: d"), ("A", "\0")] {
            assert!(fields.add_text(name, text).is_err(), "{name}");
            assert!(fields.replace_text(name, text).is_err(), "{name}");
        }
        assert_eq!(fields.to_octets(), "A: b\r\n\r\n");
    }
}
