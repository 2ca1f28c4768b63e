//! Parts of a message.

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
}

/// Where the octets of a part come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// They are this text, in UTF-8.
    Inline(Box<str>),
    /// They are uploaded under this name.
    CreateId(Box<str>),
    /// They are those of a part that was uploaded for another message.
    ReuseUri(Box<str>),
}

impl Part {
    /// What it is.
    pub fn content_type(&self) -> &MediaType {
        &self.content_type
    }

    /// The id by which other parts refer to it, without `<>`.
    pub fn content_id(&self) -> Option<&str> {
        self.content_id.as_deref()
    }

    /// The name of the file it is.
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
            "parts" => {
                return Err(value.error("is what a parser makes; describe each part by itself"));
            }
            _ => return Err(value.unknown_key()),
        }
    }
    let content_type =
        content_type.ok_or_else(|| part.error("lacks a `content_type`, such as \"text/plain\""))?;
    let (content, at) = content.ok_or_else(|| {
        part.error("lacks `content`, an object with `inline`, `create_id` or `reuse_uri`")
    })?;
    if content_type.is_message()
        && let Some(text) = content.as_inline()
        && let Err(reason) = verbatim::check(text)
    {
        return Err(at.error(reason));
    }
    Ok(Part {
        content_type,
        content_id,
        filename,
        content,
    })
}

fn read_content(content: &Reader<'_>) -> Result<Content, SpecError> {
    let one = "an object with exactly one of `inline`, `create_id` and `reuse_uri`";
    let entries = content.object(one)?;
    let [(key, value)] = &entries[..] else {
        return Err(content.error(&format!("must be {one}")));
    };
    match *key {
        "inline" => {
            let text = value.string("a text")?;
            if text.len() > MAX_INLINE_OCTETS {
                let max = format!("may have {MAX_INLINE_OCTETS} octets: use `create_id`");
                return Err(value.error(&max));
            }
            Ok(Content::Inline(text.into()))
        }
        "create_id" => {
            let id = value.string("the name of a part")?;
            // What may stand in a segment of a path: RFC 3986 section 3.3, without `%`.
            let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c);
            if id.is_empty()
                || id.len() > MAX_CREATE_ID
                || matches!(id, "." | "..")
                || !id.chars().all(is_fine)
            {
                return Err(value.error(&format!(
                    "must be 1 to {MAX_CREATE_ID} letters, digits or any of -._~!$&'()*+,;=:@",
                )));
            }
            Ok(Content::CreateId(id.into()))
        }
        "reuse_uri" => {
            let uri = value.string("a URI")?;
            let is_fine = uri.chars().all(|c| c.is_ascii_graphic());
            if uri.is_empty() || uri.len() > MAX_URI || !is_fine {
                return Err(value.error(&format!(
                    "must be a URI of 1 to {MAX_URI} visible ASCII characters"
                )));
            }
            Ok(Content::ReuseUri(uri.into()))
        }
        _ => Err(value.unknown_key()),
    }
}
