//! Reading the file.

use std::{fs, path::Path};

use crate::registry::Registry;

use super::{Config, ConfigError, Problem, suggest::meant, validate::validate};

impl Config {
    /// Reads and checks a file; `registry` knows the filters.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn load(path: &Path, registry: &Registry) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, registry),
            Err(error) => Err(ConfigError {
                file: path.to_owned(),
                problems: vec![Problem {
                    line: 0,
                    column: 0,
                    message: format!("cannot be read: {error}"),
                    help: None,
                }],
                lines: Vec::new(),
            }),
        }
    }

    /// As [`Config::load`], from a text; `path` is what it is called in errors.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all that is wrong.
    pub fn parse(path: &Path, text: &str, registry: &Registry) -> Result<Self, ConfigError> {
        let wrong = |problems| ConfigError {
            file: path.to_owned(),
            problems,
            lines: text.lines().map(str::to_owned).collect(),
        };
        let config: Self =
            serde_saphyr::from_str(text).map_err(|error| wrong(vec![unreadable(&error)]))?;
        let problems = validate(&config, registry);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(wrong(problems))
        }
    }
}

/// What the YAML reader found.
fn unreadable(error: &serde_saphyr::Error) -> Problem {
    let location = error.location();
    let message = plain(error);
    Problem {
        line: location.map_or(0, |location| location.line()),
        column: location.map_or(0, |location| location.column()),
        help: meant(&message),
        message,
    }
}

/// The message without the snippet and the location, which are told in our own way.
fn plain(error: &serde_saphyr::Error) -> String {
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
