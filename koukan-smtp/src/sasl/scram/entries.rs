//! A file of verifiers, as text.

use std::{collections::HashMap, str::FromStr};

use super::{InvalidVerifier, Verifier, keys::prepared};

/// Verifiers by user.
///
/// *Shape*: one line for each user, `user:verifier`, as `koukan passwd` prints it. Empty lines and
/// lines that begin with `#` are ignored.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    verifiers: HashMap<Box<str>, Verifier>,
    /// The count of iterations that most verifiers have.
    iterations: Option<u32>,
}

/// A line that is not an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct InvalidEntry {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: EntryFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryFault {
    /// There is no user name followed by a colon.
    #[error("no user name followed by a colon")]
    NoUser,
    /// An earlier line has an entry for the same user.
    #[error("an earlier line has the same user")]
    Twice,
    /// The text behind the user name is not a verifier.
    #[error(transparent)]
    Verifier(#[from] InvalidVerifier),
}

impl Entries {
    /// The verifier of a user, whose name is given as a client may write it.
    pub fn get(&self, user: &str) -> Option<&Verifier> {
        self.verifiers.get(&*prepared(user))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.verifiers.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.verifiers.is_empty()
    }

    /// The count of iterations that most verifiers have. It was counted before, since a look-up must take no longer for a
    /// user who does not exist.
    pub(crate) fn iterations(&self) -> Option<u32> {
        self.iterations
    }

    fn of(verifiers: HashMap<Box<str>, Verifier>) -> Self {
        let mut counts = HashMap::<u32, usize>::new();
        for verifier in verifiers.values() {
            *counts.entry(verifier.iterations()).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(of, count)| (*count, *of));
        Self {
            iterations: most.map(|(of, _)| of),
            verifiers,
        }
    }
}

impl FromStr for Entries {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let mut entries = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let invalid = |fault| InvalidEntry {
                line: number + 1,
                fault,
            };
            // A name may hold a colon, but every verifier begins with `SCRAM`.
            let at = line.rfind(":SCRAM").or_else(|| line.find(':'));
            let (user, verifier) = line.split_at(at.unwrap_or(0));
            if user.is_empty() {
                return Err(invalid(EntryFault::NoUser));
            }
            let verifier = verifier[1..].parse();
            let verifier = verifier.map_err(|fault: InvalidVerifier| invalid(fault.into()))?;
            if entries.insert(prepared(user).into(), verifier).is_some() {
                return Err(invalid(EntryFault::Twice));
            }
        }
        Ok(Self::of(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
                        WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                        wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    #[test]
    fn a_file_has_a_line_for_each_user() {
        let text = format!("# users\n\nalice:{KEYS}\r\n bob@example.com:{KEYS}\nc:d:{KEYS}\n");
        let entries: Entries = text.parse().unwrap();
        assert_eq!(entries.len(), 3);
        for user in ["alice", "bob@example.com", "c:d", "ali\u{ad}ce"] {
            assert!(entries.get(user).is_some_and(|one| one.fits("pencil")));
        }
        assert_eq!(entries.iterations(), Some(4096));
        assert!(entries.get("Alice").is_none() && entries.get("").is_none());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line, fault) in [
            (format!("a:{KEYS}\na:{KEYS}"), 2, EntryFault::Twice),
            ("\nalice\n".to_owned(), 2, EntryFault::NoUser),
            (format!(":{KEYS}"), 1, EntryFault::NoUser),
            ("a:secret".to_owned(), 1, InvalidVerifier::Shape.into()),
        ] {
            let error = text.parse::<Entries>().unwrap_err();
            assert_eq!(error, InvalidEntry { line, fault }, "{text}");
        }
    }
}
