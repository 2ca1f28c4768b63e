//! What is wrong with a configuration.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::Log;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum Severity {
    /// The agent can run; something of its configuration is of no use, or may fail.
    Warning,
    /// The agent cannot work like this.
    Error,
}

/// What may be wrong with a configuration that can be used: problems of [`Severity::Warning`].
///
/// As text: like [`ConfigError`].
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigWarnings(pub(super) ConfigError);

/// A configuration cannot be used; all that was found is told.
///
/// As text, also by `Debug`: for each problem file, line and column, the line itself, and what to
/// change. Of the file it shows those lines alone, and no hash and no password of a URL in them.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The path of the file, or a label for text that is not a file.
    pub file: PathBuf,
    /// What is wrong; at least one thing.
    pub problems: Vec<Problem>,
    /// The lines of the problems, by their numbers.
    lines: BTreeMap<u64, String>,
    /// What the file says of logs, as far as that can be read.
    pub(crate) log: Option<Log>,
}

impl std::error::Error for ConfigError {}

/// A program whose `main` returns the error shows people what they can use.
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
    /// What is wrong with the text of a file.
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

/// A line with an asterisk for each character of the password of a URL, as in `postgres://user:password@host` and
/// in `postgres://host/database?password=password`. It stays as long as it is.
fn without_passwords(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(scheme) = rest.find("://") {
        let (before, url) = rest.split_at(scheme + "://".len());
        shown.push_str(before);
        // A password that is written as it is may have whatever else ends a host.
        let end = url.find(|it: char| it.is_whitespace() || matches!(it, '"' | '\''));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        // First: such a one may have what ends the other.
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

/// A URL with an asterisk for each character of the parameter `password` of its query.
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

/// Hexadecimal digits in a row that are taken for a hash, at least.
const HASH_MIN: usize = 32;

/// A line with an asterisk for each digit of a hash: what an agent knows of a token is nobody's
/// business. It stays as long as it is.
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
