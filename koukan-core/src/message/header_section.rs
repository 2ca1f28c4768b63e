//! The header section of a message, as policies see it: [`HeaderSection`].
//!
//! Mail readers treat a malformed header section differently: for some, a line that is not a field ends it;
//! others skip the line. A decision about a field must consider it wherever any reader may see it. So only
//! an empty line ends the section here, and lines that are not fields are skipped.

use bytes::Bytes;
use memchr::memchr;

use crate::path::Mailbox;

use super::parser;

/// The fields of a header section, in order.
///
/// It keeps only the octets, and searches them for fields on request. So many small fields take no more
/// memory than a few large ones.
///
/// # Example
///
/// ```
/// use koukan_core::message::header_section::HeaderSection;
///
/// let header = HeaderSection::parse("From: a@example.com\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\n");
/// assert_eq!(header.all("subject").next().unwrap().text(), "gr\u{fc}\u{df}e");
/// assert_eq!(header.senders().unwrap()[0].as_str(), "a@example.com");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderSection {
    octets: Bytes,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderField {
    /// In lower case.
    name: Box<str>,
    /// What stands after the colon, with its line ends.
    value: Bytes,
}

impl HeaderSection {
    /// Parses octets as a header section, up to the first empty line.
    ///
    /// *Shape*: CRLF line ends; LF alone will do.
    pub fn parse(octets: impl Into<Bytes>) -> Self {
        Self {
            octets: octets.into(),
        }
    }

    /// The octets.
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// The fields of this name. ASCII case does not matter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = HeaderField> + 'a {
        let mut lines = Lines {
            octets: &self.octets,
            position: 0,
        };
        std::iter::from_fn(move || {
            let value = loop {
                let line = lines.next()?;
                if let Some(value) = line.value_of(&self.octets, name) {
                    break value;
                }
            };
            let value = self.octets.slice(value..lines.end_of_field());
            let name = name.to_ascii_lowercase().into();
            Some(HeaderField { name, value })
        })
    }

    /// Gives all octets in their order: each field of that name as a whole, with `true`, and all else line by
    /// line.
    pub(super) fn each_line_or_field(&self, name: &str, mut see: impl FnMut(&[u8], bool)) {
        let mut lines = Lines {
            octets: &self.octets,
            position: 0,
        };
        while let Some(line) = lines.next() {
            match line.value_of(&self.octets, name) {
                Some(_) => see(&self.octets[line.start..lines.end_of_field()], true),
                None => see(&self.octets[line.start..line.end], false),
            }
        }
        see(&self.octets[lines.position..], false);
    }

    /// The mailboxes of the `From` field, if all readers agree who they are: the field occurs once, and
    /// contains only addresses, at least one. A group counts as its members.
    ///
    /// *Source*: RFC 5322 section 3.6.2, RFC 6854.
    pub fn senders(&self) -> Option<Vec<Mailbox>> {
        let mut fields = self.all("from");
        let (field, None) = (fields.next()?, fields.next()) else {
            return None;
        };
        let mailboxes: Option<Vec<Mailbox>> = field.mailboxes().into_iter().collect();
        mailboxes.filter(|mailboxes| !mailboxes.is_empty())
    }
}

impl HeaderField {
    /// The field's name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands after the colon, with its line ends, as it came.
    pub fn octets(&self) -> &Bytes {
        &self.value
    }

    /// The value as a reader sees it: in one line, with encoded words decoded (RFC 2047), and without control characters.
    /// To write such text, use [`HeaderFields::replace_text`](super::header_fields::HeaderFields::replace_text).
    pub fn text(&self) -> String {
        parser::field_text(&self.value)
    }

    /// The addresses in the value, by every possible reading. `None` stands for an addressee without an
    /// address.
    pub fn mailboxes(&self) -> Vec<Option<Mailbox>> {
        let all = self.addresses().into_iter();
        all.map(|address| address.parse().ok()).collect()
    }

    /// The addresses in the value as written, by every possible reading. For an addressee without an address
    /// the text is empty. Others may be invalid addresses.
    pub fn addresses(&self) -> Vec<String> {
        let line = parser::field_line(&self.value);
        let all = parser::parse_addresses(&line).into_iter();
        all.map(|(_, address)| address).collect()
    }
}

/// Where lines are.
struct Lines<'a> {
    octets: &'a [u8],
    position: usize,
}

/// Where a line is.
struct Line {
    start: usize,
    end: usize,
}

impl Lines<'_> {
    /// The next line, unless it is empty.
    fn peek(&self) -> Option<Line> {
        let (start, rest) = (self.position, &self.octets[self.position..]);
        let end = start + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let is_empty = matches!(&self.octets[start..end], b"" | b"\r\n" | b"\n");
        (!is_empty).then_some(Line { start, end })
    }

    fn next(&mut self) -> Option<Line> {
        let line = self.peek()?;
        self.position = line.end;
        Some(line)
    }

    /// Passes over the lines that continue the field that was read last.
    fn end_of_field(&mut self) -> usize {
        while let Some(line) = self.peek()
            && matches!(self.octets[line.start], b' ' | b'\t')
        {
            self.position = line.end;
        }
        self.position
    }
}

impl Line {
    /// Where the value begins, if the field that begins here has that name: RFC 5322 section 3.6.8, with the
    /// blanks of section 4.5.8.
    fn value_of(&self, octets: &[u8], name: &str) -> Option<usize> {
        let line = &octets[self.start..self.end];
        let (own, rest) = line.split_at_checked(name.len())?;
        if name.is_empty() || !own.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        let colon = memchr(b':', rest)?;
        let is_end = rest[..colon].trim_ascii().is_empty();
        is_end.then_some(self.start + name.len() + colon + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_seen_wherever_a_reader_may_see_it() {
        for (text, expected) in [
            ("", &[][..]),
            ("\r\nFrom: a@x\r\n", &[]),
            ("From: a\r\n b\r\n\r\nFrom: c\r\n", &["a b"]),
            ("FROM : a\r\n\r\n", &["a"]),
            ("From: a\r\nno field\r\nfrom:b\r\n", &["a", "b"]),
            ("no field\r\nFrom: a", &["a"]),
            (" folded: x\r\nFrom: a\nFrom: b\n\nFrom: c", &["a", "b"]),
            ("X-From: a\r\nFrom\r\n: a\r\n", &[]),
            ("Fromage: a\r\nFrom x: a\r\nFrom", &[]),
            ("From: a\r\n From: b\r\n\tc\r\nX: y\r\n", &["a From: b c"]),
            (
                "From: =?utf-8?q?=C3=BC?=\r\n =?utf-8?q?b?=\r\n",
                &["\u{fc}b"],
            ),
        ] {
            let header = HeaderSection::parse(text);
            let found: Vec<_> = header.all("From").map(|field| field.text()).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn many_fields_take_no_more_memory_than_their_octets() {
        let header = HeaderSection::parse("a:\n".repeat(50_000));
        assert_eq!(size_of_val(&header), size_of::<Bytes>());
        assert_eq!(header.all("A").count(), 50_000);
        assert!(header.all("").next().is_none());
    }

    #[test]
    fn who_a_message_is_from() {
        for (text, expected) in [
            ("From: a@x.example", Some(&["a@x.example"][..])),
            ("From: A B <a@x.example>", Some(&["a@x.example"])),
            ("From: <@r,@s:a@x.example>", Some(&["a@x.example"])),
            (
                "From: g: a@x.example, B <b@y.example>;",
                Some(&["a@x.example", "b@y.example"]),
            ),
            (
                "From: \"b@y.example\" <a@x.example>",
                Some(&["a@x.example"]),
            ),
            (
                "From: =?utf-8?q?b=40y.example?= <a@x.example>",
                Some(&["a@x.example"]),
            ),
            ("From: \u{fc}@x.example", Some(&["\u{fc}@x.example"])),
            ("From: a@x.example (b@y.example)", Some(&["a@x.example"])),
            // Two for those who take the first one, or the last.
            (
                "From: a@x.example b@y.example",
                Some(&["a@x.example", "b@y.example"]),
            ),
            (
                "From: <a@x.example> <b@y.example>",
                Some(&["a@x.example", "b@y.example"]),
            ),
            ("From: =?utf-8?q?a=40x.example?=", None),
            ("From: a@x.example, root", None),
            ("From: g:;", None),
            ("From:", None),
            ("From: a@x.example\r\nFrom: a@x.example", None),
            ("From: a@x.example\r\n?\r\nfrom : b@y.example", None),
            ("Sender: a@x.example", None),
        ] {
            let senders = HeaderSection::parse(format!("{text}\r\n\r\n")).senders();
            let senders = senders.map(|all| all.iter().map(Mailbox::to_string).collect::<Vec<_>>());
            let expected = expected.map(|all| all.iter().map(ToString::to_string).collect());
            assert_eq!(senders, expected, "{text}");
        }
    }
}
