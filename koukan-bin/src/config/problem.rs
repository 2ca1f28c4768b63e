//! Problems of a configuration.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::Log;

/// A problem, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// How serious it is.
    pub severity: Severity,
    /// The line, from 1; 0 if it has none.
    pub line: u64,
    /// The column, from 1; 0 if it has none.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What to change.
    pub help: Option<String>,
}

/// How serious a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// The agent can run, but some of its configuration is useless or may fail.
    Warning,
    /// The agent cannot run with this configuration.
    Error,
}

/// Warnings about a configuration that can be used: problems of [`Severity::Warning`].
///
/// The text has the form of that of [`ConfigError`].
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigWarnings(pub(super) ConfigError);

/// A configuration cannot be used. Holds all problems that were found.
///
/// The text, with `Display` and `Debug`, has for each problem the file, line and column, the line
/// itself, and what to change. It shows only these lines of the file, and hides hashes and the
/// passwords of URLs in them.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The path of the file, or a label for text that is not a file.
    pub file: PathBuf,
    /// The problems; at least one.
    pub problems: Vec<Problem>,
    /// The lines of the problems, by their numbers.
    lines: BTreeMap<u64, String>,
    /// What the file says about logs, as far as that can be read.
    pub(crate) log: Option<Log>,
}

impl std::error::Error for ConfigError {}

/// `Debug` as `Display`, so that a program whose `main` returns the error prints readable text.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for ConfigWarnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ConfigWarnings {
    /// The warnings; empty if there are none.
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
    /// The problems of a file with that text.
    pub(super) fn new(file: &Path, text: &str, problems: Vec<Problem>, log: Option<Log>) -> Self {
        let lines = (1..).zip(text.lines());
        let is_told = |number: &u64| problems.iter().any(|problem| problem.line == *number);
        let lines = lines.filter(|(number, _)| is_told(number));
        Self {
            file: file.to_owned(),
            lines: lines
                .map(|(number, line)| (number, without_hashes(&without_passwords(line))))
                .collect(),
            problems,
            log,
        }
    }

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
        if let Some(text) = self.lines.get(line) {
            let pointer = " ".repeat(usize::try_from(column.saturating_sub(1)).unwrap_or(0));
            write!(f, "\n{line:>5} | {text}\n      | {pointer}^")?;
        }
        if let Some(help) = help {
            write!(f, "\n        help: {help}")?;
        }
        Ok(())
    }
}

/// The line, with an asterisk for each character of a password in a URL, as in
/// `postgres://user:password@host` and in `postgres://host/database?password=password`. The line
/// keeps its length.
pub(super) fn without_passwords(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(scheme) = rest.find("://") {
        let (before, url) = rest.split_at(scheme + "://".len());
        shown.push_str(before);
        // A password that is not percent-encoded may contain characters that end a host.
        let end = url.find(|it: char| it.is_whitespace() || matches!(it, '"' | '\''));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        // The parameter first: its value may contain the `@` that ends the other password.
        let url = without_parameter(url);
        let password = url
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'));
        match password {
            Some((user, password)) => {
                shown.push_str(user);
                shown.push(':');
                shown.extend(password.chars().map(|_| '*'));
                shown.push_str(&url[user.len() + 1 + password.len()..]);
            }
            None => shown.push_str(&url),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// The URL, with an asterisk for each character of the query parameter `password`.
fn without_parameter(url: &str) -> String {
    const NAME: &str = "password=";
    let mut shown = String::with_capacity(url.len());
    for part in url.split_inclusive(['?', '&']) {
        let end = part.len() - usize::from(part.ends_with(['?', '&']));
        let name = part.get(..NAME.len()).filter(|_| !shown.is_empty());
        match name.is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
            true => {
                shown.push_str(&part[..NAME.len()]);
                shown.extend(part[NAME.len()..end].chars().map(|_| '*'));
                shown.push_str(&part[end..]);
            }
            false => shown.push_str(part),
        }
    }
    shown
}

/// The fewest hexadecimal digits in a row that are taken for a hash.
const HASH_MIN: usize = 32;

/// The line, with an asterisk for each digit of a hash: the hashes of tokens are secret. The line
/// keeps its length.
fn without_hashes(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        match digits {
            0 => {
                shown.push(first);
                rest = &rest[first.len_utf8()..];
            }
            HASH_MIN.. => {
                shown.extend(std::iter::repeat_n('*', digits));
                rest = &rest[digits..];
            }
            _ => {
                shown.push_str(&rest[..digits]);
                rest = &rest[digits..];
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_lines_alone_and_no_hash() {
        let hash = "0123456789abcdef0123456789ABCDEF";
        let text = format!(
            "secret: a\ntoken: {{ sha256: {hash}, rol: x }} # gr\u{fc}n deadbeef\nsecret: b\n"
        );
        let problem = Problem {
            severity: Severity::Error,
            line: 2,
            column: 10,
            message: "wrong".into(),
            help: None,
        };
        let error = ConfigError::new(Path::new("f"), &text, vec![problem], None);
        let shown = error.to_string();
        assert_eq!(format!("{error:?}"), shown);
        let stars = "*".repeat(hash.len());
        let line = format!("    2 | token: {{ sha256: {stars}, rol: x }} # gr\u{fc}n deadbeef\n");
        assert!(shown.contains(&line), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn passwords_of_urls_are_not_shown() {
        for (line, shown) in [
            (
                "a: postgres://u:p/\u{fc}@w@h:5/d # b",
                "a: postgres://u:*****@h:5/d # b",
            ),
            (
                "{ url: \"postgres://u:secret@h/d\", x: \'http://v:w@i\' }",
                "{ url: \"postgres://u:******@h/d\", x: \'http://v:*@i\' }",
            ),
            (
                "url: postgres://h:5/d?user=u&password=a@b:\u{fc}&sslmode=disable # c",
                "url: postgres://h:5/d?user=u&password=*****&sslmode=disable # c",
            ),
            (
                "\"postgres://u:p?q@h/d?Password=secret\"",
                "\"postgres://u:***@h/d?Password=******\"",
            ),
            ("a: http://password=b/", "a: http://password=b/"),
            ("url: http://h:80/a", "url: http://h:80/a"),
            ("url: http://u@h:80/a", "url: http://u@h:80/a"),
            ("a: b:c@d", "a: b:c@d"),
        ] {
            assert_eq!(without_passwords(line), shown);
        }
    }
}
