//! What is wrong with a configuration.

use std::{fmt, path::PathBuf};

use super::Log;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The line, from 1 on; 0 where it has none.
    pub line: u64,
    /// The column, from 1 on; 0 where it has none.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What to change.
    pub help: Option<String>,
}

/// How bad something is that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The agent can run; something of its configuration is of no use, or may fail.
    Warning,
    /// The agent cannot work like this.
    Error,
}

/// What may be wrong with a configuration that can be used: problems of [`Severity::Warning`].
///
/// As text: like [`ConfigError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarnings(pub(super) ConfigError);

/// A configuration cannot be used; all that was found is told.
///
/// As text: for each problem file, line and column, the line itself, and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The path of the file, or a label for text that is not a file.
    pub file: PathBuf,
    /// What is wrong; at least one thing.
    pub problems: Vec<Problem>,
    pub(super) lines: Vec<String>,
    /// What the file says of logs, as far as that can be read.
    pub(crate) log: Option<Log>,
}

impl std::error::Error for ConfigError {}

impl ConfigWarnings {
    /// What may be wrong; empty where nothing is.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }
}

impl fmt::Display for ConfigWarnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            self.fmt_problem(problem, f)?;
        }
        Ok(())
    }
}

impl ConfigError {
    fn fmt_problem(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem {
            severity,
            line,
            column,
            message,
            help,
        } = problem;
        write!(f, "{}:", self.file.display())?;
        if *line > 0 {
            write!(f, "{line}:{column}:")?;
        }
        if *severity == Severity::Warning {
            f.write_str(" warning:")?;
        }
        write!(f, " {message}")?;
        let index = usize::try_from(*line)
            .ok()
            .and_then(|line| line.checked_sub(1));
        if let Some(text) = index.and_then(|index| self.lines.get(index)) {
            let pointer = " ".repeat(usize::try_from(column.saturating_sub(1)).unwrap_or(0));
            write!(f, "\n{line:>5} | {text}\n      | {pointer}^")?;
        }
        if let Some(help) = help {
            write!(f, "\n        help: {help}")?;
        }
        Ok(())
    }
}
