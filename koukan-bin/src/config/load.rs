//! Reads the configuration file.

use std::{fs, path::Path};

use serde::Deserialize;
use tokio::runtime::{self, Handle};

use crate::registry::Registry;

use super::{
    Config, ConfigError, ConfigWarnings, Log, Problem, Severity, missing, shape,
    slips::unclosed_before, validate::validate, words::plain,
};

impl Config {
    /// Reads and checks a file; `registry` knows the filters.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with everything that is wrong.
    pub fn load(path: &Path, registry: &Registry) -> Result<Self, ConfigError> {
        Self::load_with_warnings(path, registry).map(|(config, _)| config)
    }

    /// Like [`Config::load`]; also returns warnings about a configuration that can be used.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with everything that is wrong.
    pub fn load_with_warnings(
        path: &Path,
        registry: &Registry,
    ) -> Result<(Self, ConfigWarnings), ConfigError> {
        let text = fs::read(path).map_err(|error| error.to_string());
        let text = text.and_then(|octets| {
            String::from_utf8(octets).map_err(|error| {
                let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
                    .iter()
                    .filter(|octet| **octet == b'\n')
                    .count();
                format!("line {line} is not UTF-8: save the file in that encoding")
            })
        });
        match text {
            Ok(text) => Self::parse_with_warnings(path, &text, registry),
            Err(error) => {
                let problem = problem(0, 0, format!("cannot be read: {error}"), None);
                Err(ConfigError::new(path, "", vec![problem], None))
            }
        }
    }

    /// Like [`Config::load`], from a text that errors call `path`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with everything that is wrong.
    pub fn parse(path: &Path, text: &str, registry: &Registry) -> Result<Self, ConfigError> {
        Self::parse_with_warnings(path, text, registry).map(|(config, _)| config)
    }

    /// Like [`Config::load_with_warnings`], from a text that errors call `path`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with everything that is wrong.
    pub fn parse_with_warnings(
        path: &Path,
        text: &str,
        registry: &Registry,
    ) -> Result<(Self, ConfigWarnings), ConfigError> {
        let found = |problems| ConfigError::new(path, text, problems, log_of(text));
        if let Some(problem) = nothing(text) {
            return Err(found(vec![problem]));
        }
        let config: Self = serde_saphyr::from_str(text)
            .map_err(|error| found(all_unreadable(text, &error, registry)))?;
        let stray = registry.stray_schemas().into_iter();
        let stray = stray.map(|(message, help)| problem(0, 0, message, Some(help)));
        let mut problems: Vec<_> = stray.collect();
        problems.extend(in_runtime(|| validate(&config, registry)));
        if problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
        {
            // Of each filter, the first was found.
            shape::add(&mut problems, shape::problems_of_filters(text, registry));
            return Err(found(problems));
        }
        Ok((config, ConfigWarnings(found(problems))))
    }
}

/// Calls `check` within a runtime: to check a configuration is to build its filters and endpoints, and those of an
/// embedder may spawn tasks. Without a runtime of the caller's, these tasks never run.
fn in_runtime<T>(check: impl FnOnce() -> T) -> T {
    if Handle::try_current().is_ok() {
        return check();
    }
    // Without one, what spawns nothing can be checked all the same.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let _entered = runtime.as_ref().ok().map(runtime::Runtime::enter);
    check()
}

/// What a file that has errors elsewhere says about logs.
fn log_of(text: &str) -> Option<Log> {
    #[derive(Deserialize)]
    struct Part {
        log: Log,
    }

    let part: Result<Part, _> = serde_saphyr::from_str(text);
    part.ok().map(|part| part.log)
}

fn problem(line: u64, column: u64, message: String, help: Option<String>) -> Problem {
    Problem {
        severity: Severity::Error,
        line,
        column,
        message,
        help,
    }
}

/// The problem of an empty file.
fn nothing(text: &str) -> Option<Problem> {
    let is_content = |line: &str| {
        let line = line.trim_start_matches('\u{feff}').trim();
        !(line.is_empty() || line.starts_with(['#', '%']) || line == "---")
    };
    if text.lines().any(is_content) {
        return second_document(text, is_content);
    }
    let help = "begin with `config/local/koukan.yaml`, or with docs/configuration.md";
    Some(problem(0, 0, "the file is empty".into(), Some(help.into())))
}

/// The problem of a file with more than one document.
fn second_document(text: &str, is_content: impl Fn(&str) -> bool) -> Option<Problem> {
    let mut lines = text.lines().enumerate();
    lines.find(|(_, line)| is_content(line))?;
    let (index, _) = lines.find(|(_, line)| line.trim_end() == "---")?;
    let message = "the file holds more than one document";
    let help = "remove the line `---`, and what does not belong here";
    Some(problem(
        index as u64 + 1,
        1,
        message.into(),
        Some(help.into()),
    ))
}

/// The problem that the YAML reader found, and everything else that is wrong with the shape of the file: with keys that are
/// missing at the top, or below, that are not known, or whose value is of another type. If only the host name is missing,
/// also what else is wrong.
fn all_unreadable(text: &str, error: &serde_saphyr::Error, registry: &Registry) -> Vec<Problem> {
    let first = unreadable(text, error);
    let is_at_top = first.line == 0 && bare(error).starts_with("missing field");
    let missing = missing::problems(text);
    let mut problems = match is_at_top && !missing.is_empty() {
        true => Vec::new(),
        false => vec![first],
    };
    shape::add(&mut problems, shape::problems(text, registry));
    if problems.is_empty() {
        let completed = missing::with_hostname(text, &missing);
        let completed = completed.and_then(|text| serde_saphyr::from_str(&text).ok());
        if let Some(config) = completed {
            problems = in_runtime(|| validate(&config, registry));
            shape::add(&mut problems, shape::problems_of_filters(text, registry));
        }
    }
    // Those at the top have no place, and stand first.
    problems.splice(0..0, missing);
    problems
}

/// The problem that the YAML reader found.
fn unreadable(text: &str, error: &serde_saphyr::Error) -> Problem {
    let location = error.location();
    let (line, column) = location.map_or((0, 0), |location| (location.line(), location.column()));
    let (line, column) = within(text, line, column);
    let raw = bare(error);
    // A YAML reader notices only much later that a bracket or quote is not closed.
    let is_syntax = [
        "trailing content",
        "did not find",
        "illegal placement",
        "unexpected end",
    ];
    if is_syntax.iter().any(|said| raw.contains(said))
        && let Some(open) = unclosed_before(text, line)
    {
        let what = match open.opened {
            '"' | '\'' => "a quote is opened here and not closed on this line",
            _ => "a bracket is opened here and not closed",
        };
        let help = match open.opened {
            '{' => "add `}`",
            '[' => "add `]`",
            '"' => "add `\"`",
            _ => "add `'`",
        };
        return problem(open.line, open.column, what.into(), Some(help.into()));
    }
    let (message, help) = plain(&raw);
    if raw.starts_with("missing field") {
        let name = raw.split('`').nth(1).unwrap_or_default();
        let (line, column) = start_of_mapping(text, line, column);
        let help = help.unwrap_or_else(|| format!("add `{name}:`"));
        return problem(line, column, message, Some(help));
    }
    let help = help.or_else(|| lone_text(text, line, &raw));
    problem(line, column, message, help)
}

/// What is missing at the end of the file is reported at the last line with content.
fn within(text: &str, line: u64, column: u64) -> (u64, u64) {
    if line <= text.lines().count() as u64 {
        return (line, column);
    }
    let says_something = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    };
    let lines = text.lines().enumerate();
    let last = lines.filter(|(_, line)| says_something(line)).last();
    last.map_or((0, 0), |(index, line)| {
        let indent = line.len() - line.trim_start().len();
        (index as u64 + 1, indent as u64 + 1)
    })
}

/// A line in place of a mapping may lack the blank after its colon.
fn lone_text(text: &str, line: u64, raw: &str) -> Option<String> {
    if !raw.contains("expected mapping") {
        return None;
    }
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let content = text.lines().nth(index)?.trim();
    let (key, value) = content.split_once(':')?;
    (!value.is_empty() && !value.starts_with(' '))
        .then(|| format!("write a blank after the colon: `{key}: {value}`"))
}

/// The first line of the block mapping to which a key at that place belongs; the place itself if
/// the mapping is written in braces.
fn start_of_mapping(text: &str, line: u64, column: u64) -> (u64, u64) {
    let lines: Vec<&str> = text.lines().collect();
    let Some(index) = usize::try_from(line)
        .ok()
        .and_then(|line| line.checked_sub(1))
    else {
        return (line, column);
    };
    let indent = usize::try_from(column.saturating_sub(1)).unwrap_or_default();
    let begins_with = |line: &str, place: usize| {
        let lead: String = line.chars().take(place).collect();
        let rest: String = line.chars().skip(place).collect();
        let blank = lead.chars().all(|c| c == ' ' || c == '-');
        let is_key = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        (blank && is_key, blank && lead.contains('-'))
    };
    if indent == 0 {
        // The place of the whole file.
        return (0, 0);
    }
    if index >= lines.len() || !begins_with(lines[index], indent).0 {
        return (line, column);
    }
    let mut first = index;
    for (number, content) in lines.iter().enumerate().take(index + 1).rev() {
        let trimmed = content.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (is_key, is_item) = begins_with(content, indent);
        if is_key {
            first = number;
            if is_item {
                break;
            }
        } else if content.len() - trimmed.len() < indent {
            break;
        }
    }
    (first as u64 + 1, column)
}

/// The message without the reader's snippet and location, which this agent shows in its own way.
fn bare(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = &text[..end];
    match text
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
    {
        Some((_, message)) => message.to_owned(),
        None => text.to_owned(),
    }
}
