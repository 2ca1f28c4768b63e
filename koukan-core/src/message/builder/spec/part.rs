//! Parts of a message.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    super::{
        SpecError,
        limits::{MAX_CREATE_ID, MAX_INLINE_OCTETS, MAX_PARAMETER, MAX_URI, MAX_WORD},
        render::verbatim,
    },
    MediaType, Reader,
    header::bare_id,
    media_type,
};

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    content_type: MediaType,
    content_id: Option<Box<str>>,
    filename: Option<Box<str>>,
    pub(super) content: Content,
    /// The name of shared content in this message.
    pub(super) reused_as: Option<Box<str>>,
}

/// Where the octets of a part come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// This text, in UTF-8.
    Inline(Box<str>),
    /// These octets.
    Octets(Bytes),
    /// An upload with this name.
    CreateId(Box<str>),
    /// A part that was uploaded for another message.
    ReuseUri(Box<str>),
}

impl Part {
    /// Its media type.
    pub fn content_type(&self) -> &MediaType {
        &self.content_type
    }

    /// The id by which other parts refer to it, without `<>`.
    pub fn content_id(&self) -> Option<&str> {
        self.content_id.as_deref()
    }

    /// Its file name.
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// Where its octets come from.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

impl Content {
    /// The text, where it is inline.
    pub fn as_inline(&self) -> Option<&str> {
        match self {
            Self::Inline(text) => Some(text),
            _ => None,
        }
    }

    /// How many octets of it the description itself holds.
    pub(super) fn octets_held(&self) -> usize {
        match self {
            Self::Inline(text) => text.len(),
            Self::Octets(octets) => octets.len(),
            Self::CreateId(_) | Self::ReuseUri(_) => 0,
        }
    }
}

pub(super) fn read_all(parts: &Reader<'_>) -> Result<Vec<Part>, SpecError> {
    let parts = parts.array("an array of parts")?;
    parts.iter().map(read).collect()
}

/// Reads a part.
pub(crate) fn read(part: &Reader<'_>) -> Result<Part, SpecError> {
    let (mut content_type, mut content) = (None, None);
    let (mut content_id, mut filename) = (None, None);
    for (key, value) in part.object("an object with `content_type` and `content`")? {
        match key {
            "content_type" => content_type = Some(media_type::read(&value)?),
            "content" => content = Some((read_content(&value)?, value)),
            "content_id" => content_id = Some(bare_id(&value, MAX_WORD)?),
            "filename" => {
                let name = value.text("a file name", MAX_PARAMETER)?;
                if name.trim().is_empty() {
                    return Err(value.error("must not be empty: leave it out"));
                }
                filename = Some(name.into());
            }
            _ => return Err(value.unknown_key()),
        }
    }
    let content_type =
        content_type.ok_or_else(|| part.error("lacks a `content_type`, such as \"text/plain\""))?;
    let (content, at) = content.ok_or_else(|| {
        part.error("lacks `content`, an object with `inline`, `base64`, `create_id` or `reuse_uri`")
    })?;
    let (content, reused_as) = content;
    let here = match &content {
        Content::Inline(text) => text.as_bytes(),
        Content::Octets(octets) => octets,
        Content::CreateId(_) | Content::ReuseUri(_) => b"",
    };
    if content_type.is_message()
        && !part.is_stored()
        && let Err(reason) = verbatim::check(here)
    {
        return Err(at.error(reason));
    }
    Ok(Part {
        content_type,
        content_id,
        filename,
        content,
        reused_as,
    })
}

/// Reads a `content`: one of `inline`, `base64`, `create_id` and `reuse_uri`; or the last two
/// together, for shared content that is called `create_id` here.
fn read_content(content: &Reader<'_>) -> Result<(Content, Option<Box<str>>), SpecError> {
    let one = "an object with exactly one of `inline`, `base64`, `create_id` and `reuse_uri`";
    let entries = content.object(one)?;
    let mut read = Vec::with_capacity(entries.len());
    for (key, value) in &entries {
        read.push(match *key {
            "inline" => Content::Inline(read_inline(value)?.into()),
            "base64" => Content::Octets(read_base64(value)?),
            "create_id" => Content::CreateId(read_create_id(value)?.into()),
            "reuse_uri" => Content::ReuseUri(read_reuse_uri(value)?.into()),
            _ => return Err(value.unknown_key()),
        });
    }
    match (read.pop(), read.pop(), read.pop()) {
        (Some(content), None, None) => Ok((content, None)),
        (Some(Content::CreateId(id)), Some(Content::ReuseUri(uri)), None)
        | (Some(Content::ReuseUri(uri)), Some(Content::CreateId(id)), None) => {
            Ok((Content::ReuseUri(uri), Some(id)))
        }
        _ => Err(content.error(&format!("must be {one}"))),
    }
}

fn read_inline<'a>(value: &Reader<'a>) -> Result<&'a str, SpecError> {
    let text = value.string("a text")?;
    if value.exceeds(text.len(), MAX_INLINE_OCTETS) {
        let max = format!("may have {MAX_INLINE_OCTETS} octets: use `create_id`");
        return Err(value.error(&max));
    }
    Ok(text)
}

fn read_base64(value: &Reader<'_>) -> Result<Bytes, SpecError> {
    let text = value.string("octets in base64")?;
    if value.exceeds(text.len(), MAX_INLINE_OCTETS.div_ceil(3) * 4) {
        let max = format!("may have {MAX_INLINE_OCTETS} octets: use `create_id`");
        return Err(value.error(&max));
    }
    let octets = STANDARD.decode(text);
    octets
        .map(Bytes::from)
        .map_err(|_| value.error("must be base64 of RFC 4648 section 4, in one line, with padding"))
}

fn read_create_id<'a>(value: &Reader<'a>) -> Result<&'a str, SpecError> {
    let id = value.string("the name of a part")?;
    // What may stand in a segment of a path: RFC 3986 section 3.3, without `%`.
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c);
    if id.is_empty()
        || value.exceeds(id.len(), MAX_CREATE_ID)
        || matches!(id, "." | "..")
        || !id.chars().all(is_fine)
    {
        return Err(value.error(&format!(
            "must be 1 to {MAX_CREATE_ID} letters, digits or any of -._~!$&'()*+,;=:@",
        )));
    }
    Ok(id)
}

fn read_reuse_uri<'a>(value: &Reader<'a>) -> Result<&'a str, SpecError> {
    let uri = value.string("a URI")?;
    let is_fine = uri.chars().all(|c| c.is_ascii_graphic());
    if uri.is_empty() || value.exceeds(uri.len(), MAX_URI) || !is_fine {
        return Err(value.error(&format!(
            "must be a URI of 1 to {MAX_URI} visible ASCII characters"
        )));
    }
    Ok(uri)
}
