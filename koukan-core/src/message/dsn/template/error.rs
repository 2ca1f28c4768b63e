//! Errors in templates.

/// A template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateError {
    line: usize,
    what: String,
    remedy: String,
}

impl TemplateError {
    pub(super) fn new(line: usize, what: String, remedy: impl Into<String>) -> Self {
        let remedy = remedy.into();
        Self { line, what, remedy }
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong in that line.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// How to fix it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}
