//! The message and its nested parts.

use std::collections::BTreeSet;

use super::{
    MAX_PARTS, Problem, ValidationReport,
    header::{Header, Kind, Read},
    leaf::{File, Files, Leaf},
    line::Line,
};

/// How many octets at the beginning of a line are compared with delimiters.
const DELIMITER_MAX: usize = 256;

/// The position in a message, and the findings about its parts so far.
#[derive(Debug)]
pub(super) struct Entities {
    pub(super) max_depth: usize,
    pub(super) has_utf8: bool,
    /// The entities around the part that is being read, outermost first.
    around: Vec<Around>,
    place: Place,
    parts: usize,
    depth: usize,
    files: Files,
}

/// An entity that contains parts.
#[derive(Debug)]
enum Around {
    Multipart {
        boundaries: Vec<Vec<u8>>,
        is_digest: bool,
    },
    Message(Leaf),
}

#[derive(Debug)]
enum Place {
    Header(Header),
    Leaf(Leaf),
    /// Before the first part of a multipart, or after its last.
    Between,
    /// In content that is not inspected.
    GivenUp,
}

/// A line that delimits parts of the multipart with that index among the surrounding ones.
struct Delimiter {
    of: usize,
    is_last: bool,
}

impl Entities {
    pub(super) fn new(max_depth: usize) -> Self {
        Self {
            max_depth,
            has_utf8: false,
            around: Vec::new(),
            place: Place::Header(Header::of_message()),
            parts: 0,
            depth: 0,
            files: Files::default(),
        }
    }

    /// How many octets of a line are needed.
    pub(super) fn kept_of_line(&self) -> usize {
        match &self.place {
            Place::Header(header) => header.room().max(DELIMITER_MAX),
            Place::Leaf(_) | Place::Between if !self.around.is_empty() => DELIMITER_MAX,
            Place::Leaf(_) | Place::Between | Place::GivenUp => 0,
        }
    }

    /// The octets of an unfinished header section.
    pub(super) fn held(&self) -> usize {
        match &self.place {
            Place::Header(header) => header.len(),
            _ => 0,
        }
    }

    pub(super) fn is_in_base64(&self) -> bool {
        matches!(&self.place, Place::Leaf(leaf) if leaf.is_base64)
    }

    /// Processes a line.
    pub(super) fn line(&mut self, line: &Line, problems: &mut BTreeSet<Problem>) {
        if let Some(delimiter) = self.delimiter(line) {
            return self.delimit(delimiter, problems);
        }
        for around in &mut self.around {
            if let Around::Message(leaf) = around {
                leaf.count(line);
            }
        }
        match &mut self.place {
            Place::Header(header) => match header.line(line, problems) {
                Read::More => {}
                Read::End => self.end_header(problems),
                // It is the first line after the header section.
                Read::EndBefore => {
                    self.end_header(problems);
                    self.content(line, problems);
                }
                Read::TooLong => {
                    problems.insert(Problem::HeaderTooLong);
                    self.give_up();
                }
            },
            _ => self.content(line, problems),
        }
    }

    fn content(&mut self, line: &Line, problems: &mut BTreeSet<Problem>) {
        if let Place::Leaf(leaf) = &mut self.place {
            leaf.count(line);
            if !line.is_ascii && !leaf.is_eight_bit {
                problems.insert(Problem::EightBitUndeclared);
            }
        }
    }

    fn delimiter(&self, line: &Line) -> Option<Delimiter> {
        if self.around.is_empty() || matches!(self.place, Place::GivenUp) {
            return None;
        }
        // Text after a boundary is ignored, whatever its length.
        let text = line.kept.strip_prefix(b"--")?;
        let mut around = self.around.iter().enumerate().rev();
        around.find_map(|(of, around)| {
            let Around::Multipart { boundaries, .. } = around else {
                return None;
            };
            boundaries.iter().find_map(|boundary| {
                let rest = text.strip_prefix(&**boundary)?;
                match rest {
                    [] | [b' ' | b'\t', ..] => Some(Delimiter { of, is_last: false }),
                    [b'-', b'-', ..] => Some(Delimiter { of, is_last: true }),
                    _ => None,
                }
            })
        })
    }

    fn delimit(&mut self, delimiter: Delimiter, problems: &mut BTreeSet<Problem>) {
        if let Place::Header(_) = &self.place {
            self.end_header(problems);
        }
        self.end_leaf();
        let Delimiter { of, is_last } = delimiter;
        let is_digest = match &self.around[of] {
            Around::Multipart { is_digest, .. } => *is_digest,
            Around::Message(_) => false,
        };
        self.close_to(of + 1, problems);
        if is_last {
            self.around.pop();
            self.place = Place::Between;
            return;
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            self.parts = MAX_PARTS;
            problems.insert(Problem::TooManyParts);
            return self.give_up();
        }
        self.place = Place::Header(Header::of_part(is_digest));
    }

    fn end_header(&mut self, problems: &mut BTreeSet<Problem>) {
        let Place::Header(header) = std::mem::replace(&mut self.place, Place::Between) else {
            return;
        };
        let (kind, leaf) = header.end(self.has_utf8, problems);
        self.files.has_more |= leaf.hides_parts;
        let around = match kind {
            Kind::Leaf => {
                self.place = Place::Leaf(leaf);
                return;
            }
            Kind::Multipart {
                boundaries,
                is_digest,
            } => Around::Multipart {
                boundaries,
                is_digest,
            },
            Kind::Message => Around::Message(leaf),
        };
        if self.around.len() >= self.max_depth {
            problems.insert(Problem::TooDeep);
            return self.give_up();
        }
        let is_message = matches!(around, Around::Message(_));
        self.around.push(around);
        self.depth = self.depth.max(self.around.len());
        if is_message {
            self.place = Place::Header(Header::of_attached_message());
        }
    }

    fn end_leaf(&mut self) {
        if let Place::Leaf(leaf) = std::mem::replace(&mut self.place, Place::Between) {
            self.files.add(leaf);
        }
    }

    /// Ends all surrounding entities except the outermost `left`.
    fn close_to(&mut self, left: usize, problems: &mut BTreeSet<Problem>) {
        for around in self.around.drain(left..) {
            match around {
                Around::Multipart { .. } => {
                    problems.insert(Problem::MultipartUnclosed);
                }
                Around::Message(leaf) => self.files.add(leaf),
            }
        }
    }

    /// Stops inspecting from here on.
    fn give_up(&mut self) {
        self.place = Place::GivenUp;
        self.files.has_more = true;
    }

    /// The findings at the end of the message.
    pub(super) fn finish(mut self, problems: &mut BTreeSet<Problem>) -> ValidationReport {
        if let Place::Header(_) = &self.place {
            self.end_header(problems);
        }
        let is_given_up = matches!(self.place, Place::GivenUp);
        self.end_leaf();
        let mut unclosed = BTreeSet::new();
        self.close_to(0, &mut unclosed);
        if !is_given_up {
            problems.extend(unclosed);
        }
        ValidationReport {
            parts: self.parts,
            depth: self.depth,
            has_more_files: self.files.has_more,
            files: self.files.into_list(),
            ..ValidationReport::default()
        }
    }
}

impl Files {
    fn into_list(self) -> Vec<File> {
        self.list
    }
}
