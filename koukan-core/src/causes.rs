//! Errors in logs: [`Causes`].

use std::{error::Error, fmt};

/// Shows an error with all its causes on one line, for logs. An error by itself says only what
/// failed; its causes say why.
///
/// A cause whose text its error repeats is not shown again.
///
/// # Example
///
/// ```
/// use koukan_core::{causes::Causes, storage::BackendError};
///
/// let error = BackendError::Failed("disk I/O error".into());
/// assert_eq!(error.to_string(), "storage failed");
/// assert_eq!(Causes(&error).to_string(), "storage failed: disk I/O error");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !shown.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            shown = text;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Failure {
        text: &'static str,
        source: Option<Box<Failure>>,
    }

    fn chain(texts: &[&'static str]) -> Option<Box<Failure>> {
        let (text, rest) = texts.split_first()?;
        let source = chain(rest);
        Some(Box::new(Failure { text, source }))
    }

    #[test]
    fn each_cause_is_shown_once() {
        for (texts, shown) in [
            (&["storage failed"][..], "storage failed"),
            (&["a", "b", "c"], "a: b: c"),
            (
                &["refused: no room", "no room", "disk full"],
                "refused: no room: disk full",
            ),
            (&["reset", "reset"], "reset"),
            (&["", "b"], ": b"),
        ] {
            let error = chain(texts).unwrap();
            assert_eq!(Causes(&*error).to_string(), shown);
        }
    }
}
