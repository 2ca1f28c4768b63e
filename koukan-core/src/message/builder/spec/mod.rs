//! The description of a message.

mod complete;
mod date;
mod grammar;
mod header;
mod media_type;
mod originator;
mod part;
mod reader;
mod structured;
mod write;

pub(super) use self::{
    date::write as write_date,
    grammar::Grammar,
    structured::{Kind, Token, tokens},
};
pub use self::{
    header::{Address, Header, HeaderValue},
    media_type::MediaType,
    part::{Content, Part},
};
pub(in super::super) use self::{
    header::{is_once, read as read_header},
    media_type::read as read_media_type,
    part::read as read_part,
    reader::Reader,
};

use serde_json::Value;

use super::{MAX_HEADER_FIELDS, MAX_HEADER_OCTETS, MAX_INLINE_OCTETS, MAX_PARTS, SpecError};

/// The description of a message: its header fields, and its parts by purpose.
///
/// A spec that was read can be rendered. Two things can still fail later: a blob cannot be read, or
/// an attached message is not well-formed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    headers: Vec<Header>,
    text_body: Vec<Part>,
    related_attachments: Vec<Part>,
    file_attachments: Vec<Part>,
}

impl Spec {
    /// Reads a spec.
    ///
    /// # Errors
    ///
    /// [`SpecError`], with the path of the error: an unknown key, a value of a wrong type, an
    /// invalid address or media type, a control character, a field that the builder writes itself
    /// or that may occur only once, or too much of anything.
    pub fn from_json(json: &Value) -> Result<Self, SpecError> {
        Self::read(&Reader::root(json))
    }

    /// Reads a spec that [`Spec::to_json`] wrote. It was checked when it was first read.
    ///
    /// The limits for requests do not apply: completing a spec adds to it, and its written form may
    /// be longer than the client's.
    ///
    /// # Errors
    ///
    /// [`SpecError`] where it is not a spec.
    pub fn from_stored(json: &Value) -> Result<Self, SpecError> {
        Self::read(&Reader::stored(json))
    }

    fn read(root: &Reader<'_>) -> Result<Self, SpecError> {
        let mut spec = Self::default();
        for (key, value) in root.object("an object with `headers` and parts")? {
            match key {
                "headers" => spec.headers = header::read_all(&value)?,
                "text_body" => spec.text_body = part::read_all(&value)?,
                "related_attachments" => spec.related_attachments = part::read_all(&value)?,
                "file_attachments" => spec.file_attachments = part::read_all(&value)?,
                // What a parser makes of a message: the other keys say all that is needed of it.
                "parts" | "delivery_status" => {}
                _ => return Err(value.unknown_key()),
            }
        }
        spec.check_size(root)?;
        Ok(spec)
    }

    fn check_size(&self, root: &Reader<'_>) -> Result<(), SpecError> {
        let headers: usize = self.headers.iter().map(Header::size).sum();
        let inline = |part: &Part| part.content().octets_held();
        let inline: usize = self.parts().map(inline).sum();
        for (is, max, of_what) in [
            (self.headers.len(), MAX_HEADER_FIELDS, "header fields"),
            (headers, MAX_HEADER_OCTETS, "octets of header fields"),
            (self.parts().count(), MAX_PARTS, "parts"),
            (inline, MAX_INLINE_OCTETS, "octets of inline content"),
        ] {
            if root.exceeds(is, max) {
                return Err(root.error(&format!("there may be {max} {of_what}, not {is}")));
            }
        }
        Ok(())
    }

    /// The header fields, in order, including `bcc` and `resent-bcc`, which are never rendered.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// The first header field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        let mut headers = self.headers.iter();
        let header = headers.find(|header| header.name().eq_ignore_ascii_case(name))?;
        Some(header.value())
    }

    /// The alternatives of the text, in the order given.
    pub fn text_body(&self) -> &[Part] {
        &self.text_body
    }

    /// Attachments that the text refers to, such as its images.
    pub fn related_attachments(&self) -> &[Part] {
        &self.related_attachments
    }

    /// File attachments.
    pub fn file_attachments(&self) -> &[Part] {
        &self.file_attachments
    }

    /// All parts, in the order of the spec.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let related = self.related_attachments.iter();
        self.text_body
            .iter()
            .chain(related)
            .chain(&self.file_attachments)
    }

    fn parts_mut(&mut self) -> impl Iterator<Item = &mut Part> {
        let related = self.related_attachments.iter_mut();
        self.text_body
            .iter_mut()
            .chain(related)
            .chain(&mut self.file_attachments)
    }

    /// The names of the parts that are to be uploaded, each once, in the order of the spec.
    pub fn create_ids(&self) -> Vec<&str> {
        unique(self.parts().filter_map(|part| match part.content() {
            Content::CreateId(id) => Some(&**id),
            _ => None,
        }))
    }

    /// The contents to be shared: each URI, with the name for it in this message, if there is one;
    /// each pair once, in the order of the spec.
    pub fn reuses(&self) -> Vec<(&str, Option<&str>)> {
        unique(self.parts().filter_map(|part| match part.content() {
            Content::ReuseUri(uri) => Some((&**uri, part.reused_as.as_deref())),
            _ => None,
        }))
    }

    /// Replaces each `reuse_uri` by the name of a part, so that the content of every part is inline
    /// or has a name. `name_of` gets the URI and the name as [`Spec::reuses`] lists them.
    ///
    /// *Shape* of the names: as for `create_id`, and different from [`Spec::create_ids`] unless the
    /// content is the same.
    ///
    /// # Errors
    ///
    /// The errors of `name_of`. Earlier replacements stay.
    pub fn replace_reuse_uris<E>(
        &mut self,
        mut name_of: impl FnMut(&str, Option<&str>) -> Result<Box<str>, E>,
    ) -> Result<(), E> {
        for part in self.parts_mut() {
            if let Content::ReuseUri(uri) = &part.content {
                let name = name_of(uri, part.reused_as.as_deref())?;
                part.content = Content::CreateId(name);
                part.reused_as = None;
            }
        }
        Ok(())
    }

    /// Whether an address, an id or a domain is outside of ASCII, so that the message can be sent
    /// only where SMTPUTF8 is offered: RFC 6532.
    pub fn needs_smtputf8(&self) -> bool {
        let headers = self
            .headers
            .iter()
            .filter(|header| !header.is_envelope_only());
        headers.into_iter().any(Header::needs_smtputf8)
            || self
                .parts()
                .any(|part| part.content_id().is_some_and(|id| !id.is_ascii()))
    }

    /// Whether the rendered message is `8bit`, so that it can be sent only where 8BITMIME is
    /// offered: RFC 6152.
    pub fn needs_8bitmime(&self) -> bool {
        self.needs_smtputf8() || self.parts().any(|part| part.content_type().is_message())
    }
}

/// Each once. There are [`MAX_PARTS`] at most.
fn unique<T: Copy + Ord>(names: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}
