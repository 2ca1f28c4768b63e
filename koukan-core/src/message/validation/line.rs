//! Lines, and what is wrong with them.

use std::collections::BTreeSet;

use memchr::memchr;

use super::{Level, MAX_DEPTH, Problem, ValidationReport, entities::Entities};

/// Octets of a line without its end, at most: RFC 5322 section 2.1.1.
const LINE_MAX: usize = 998;

/// Checks a message as it comes; see the [module documentation](super).
///
/// The result does not depend on where the pieces are cut.
#[derive(Debug)]
pub struct Validator {
    problems: BTreeSet<Problem>,
    entities: Entities,
    line: Line,
    /// The last octet was a CR, and what it is depends on the next.
    is_after_cr: bool,
}

/// A line without its end, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// What is kept of it: its beginning.
    pub(super) kept: Vec<u8>,
    pub(super) octets: usize,
    /// Those among them that stand for something in base 64.
    pub(super) in_base64: usize,
    pub(super) is_ascii: bool,
}

impl Validator {
    /// Nothing was seen as yet.
    pub fn new() -> Self {
        Self {
            problems: BTreeSet::new(),
            entities: Entities::new(MAX_DEPTH),
            line: Line::new(),
            is_after_cr: false,
        }
    }

    /// Sets how many nested levels of multiparts and attached messages are looked into, instead of
    /// [`MAX_DEPTH`].
    #[must_use]
    pub fn with_max_depth(mut self, depth: usize) -> Self {
        self.entities.max_depth = depth;
        self
    }

    /// Permits UTF-8 in header sections: the message has SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn with_utf8(mut self, has_utf8: bool) -> Self {
        self.entities.has_utf8 = has_utf8;
        self
    }

    /// Takes the next octets.
    pub fn scan(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest);
            let text = &rest[..end.unwrap_or(rest.len())];
            self.text(text, end.is_some());
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        }
    }

    /// The next octets of a line, and whether a LF follows.
    fn text(&mut self, text: &[u8], is_end: bool) {
        if self.is_after_cr && !text.is_empty() {
            self.bare_cr();
        }
        let (has_cr, content) = match text.strip_suffix(b"\r") {
            Some(content) => (true, content),
            None => (self.is_after_cr && text.is_empty(), text),
        };
        if memchr(b'\r', content).is_some() {
            self.problems.insert(Problem::BareCr);
        }
        if memchr(0, content).is_some() {
            self.problems.insert(Problem::Nul);
        }
        self.line.add(content, &self.entities);
        self.is_after_cr = has_cr && !is_end;
        if is_end {
            if !has_cr {
                self.problems.insert(Problem::BareLf);
            }
            self.end_line();
        }
    }

    /// What was taken for a part of a line end is an octet like others.
    fn bare_cr(&mut self) {
        self.problems.insert(Problem::BareCr);
        self.line.add(b"\r", &self.entities);
        self.is_after_cr = false;
    }

    fn end_line(&mut self) {
        if self.line.octets > LINE_MAX {
            self.problems.insert(Problem::LineTooLong);
        }
        self.entities.line(&self.line, &mut self.problems);
        self.line.clear();
    }

    /// How many octets of the message it holds now: an incomplete header section and an incomplete
    /// line.
    pub fn held(&self) -> usize {
        self.entities.held() + self.line.kept.len()
    }

    /// The result, at the end of the message.
    pub fn finish(mut self) -> ValidationReport {
        if self.is_after_cr {
            self.bare_cr();
        }
        if self.line.octets > 0 {
            self.problems.insert(Problem::LastLineUnended);
            self.end_line();
        }
        let mut report = self.entities.finish(&mut self.problems);
        let levels = self.problems.iter().map(|problem| problem.level());
        report.level = levels.min().unwrap_or(Level::High);
        report.problems = self.problems.into_iter().collect();
        report
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Line ===

impl Line {
    fn new() -> Self {
        Self {
            is_ascii: true,
            ..Self::default()
        }
    }

    fn add(&mut self, octets: &[u8], entities: &Entities) {
        let room = entities.kept_of_line().saturating_sub(self.kept.len());
        self.kept
            .extend_from_slice(&octets[..room.min(octets.len())]);
        self.octets += octets.len();
        self.is_ascii &= octets.is_ascii();
        if entities.is_in_base64() {
            let stands = |octet: &&u8| octet.is_ascii_alphanumeric() || b"+/".contains(octet);
            self.in_base64 += octets.iter().filter(stands).count();
        }
    }

    /// All of it, unless only its beginning is kept.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.kept.len() == self.octets).then_some(&self.kept)
    }

    fn clear(&mut self) {
        self.kept.clear();
        (self.octets, self.in_base64, self.is_ascii) = (0, 0, true);
    }
}
