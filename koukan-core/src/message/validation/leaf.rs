//! Parts without parts of their own.

use serde::{Deserialize, Serialize};

use super::line::Line;

/// Files that are listed, at most.
const FILES_MAX: usize = 64;
/// Octets of their names and types together, at most: they go where the message goes.
const FILES_OCTETS_MAX: usize = 12 << 10;
/// Characters of a name or type that are kept, at most: the last of a name, since they say what it is.
const TEXT_MAX: usize = 100;

/// A part that is a file, rather than displayed text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its type, for example `application/pdf`, in lower case; the first 100 characters.
    pub content_type: String,
    /// Its name; the last 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its size in octets, decoded if it is base64.
    pub octets: u64,
}

/// A part that is being read.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    pub(super) content_type: String,
    pub(super) name: Option<String>,
    pub(super) is_attachment: bool,
    pub(super) is_base64: bool,
    /// Whether it may have octets that are no ASCII.
    pub(super) is_eight_bit: bool,
    /// It may have parts, or be something else, for readers who take it otherwise than is done here.
    pub(super) hides_parts: bool,
    pub(super) octets: u64,
}

/// The files of a message.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) list: Vec<File>,
    pub(super) has_more: bool,
    octets: usize,
}

impl Leaf {
    pub(super) fn count(&mut self, line: &Line) {
        self.octets += match self.is_base64 {
            true => line.in_base64 as u64,
            false => line.octets as u64 + 2,
        };
    }

    fn is_file(&self) -> bool {
        let is_shown = |kind: &str| self.content_type.starts_with(kind);
        self.is_attachment
            || self.name.is_some()
            || !(is_shown("text/") || is_shown("message/") || is_shown("multipart/"))
    }
}

impl Files {
    pub(super) fn add(&mut self, leaf: Leaf) {
        if !leaf.is_file() {
            return;
        }
        let name = leaf.name.map(|name| {
            let excess = name.chars().count().saturating_sub(TEXT_MAX);
            name.chars().skip(excess).collect::<String>()
        });
        let content_type: String = leaf.content_type.chars().take(TEXT_MAX).collect();
        let octets = content_type.len() + name.as_ref().map_or(0, String::len);
        if self.list.len() == FILES_MAX || self.octets + octets > FILES_OCTETS_MAX {
            self.has_more = true;
            return;
        }
        self.octets += octets;
        self.list.push(File {
            content_type,
            name,
            octets: match leaf.is_base64 {
                true => leaf.octets * 3 / 4,
                // The line end before a delimiter is the delimiter's.
                false => leaf.octets.saturating_sub(2),
            },
        });
    }
}
