//! What an operator is promised with a long queue, and whether it is kept.

use std::time::Duration;

use crate::Failed;

/// How long a page or a search may take.
const QUESTION: Duration = Duration::from_millis(100);
/// How long it may take to have half of 100,000 messages tried again.
const BULK: Duration = Duration::from_secs(10);

/// What took longer than it may.
#[derive(Debug, Default)]
pub(super) struct Bounds(Vec<String>);

impl Bounds {
    /// Notes how long it took to answer a question, as a rule: one answer may have waited for something else that the
    /// machine did.
    pub(super) fn question(&mut self, what: &str, median: Duration) {
        self.keep(what, median, QUESTION);
    }

    /// Notes how long a bulk change took.
    pub(super) fn bulk(&mut self, what: &str, took: Duration) {
        self.keep(what, took, BULK);
    }

    fn keep(&mut self, what: &str, took: Duration, bound: Duration) {
        if took >= bound {
            let [took, bound] = [took, bound].map(|time| time.as_millis());
            self.0
                .push(format!("{what}: {took} ms, and {bound} ms are the bound"));
        }
    }

    /// Says what was too slow.
    ///
    /// # Errors
    ///
    /// [`Failed`], where something was.
    pub(super) fn end(self) -> Result<(), Failed> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(format!("too slow: {}", self.0.join("; ")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_slow_is_named_and_what_is_not_is_not() {
        let mut bounds = Bounds::default();
        bounds.question("a page", Duration::from_millis(99));
        bounds.bulk("a retry", Duration::from_millis(9999));
        assert!(bounds.end().is_ok());
        let mut bounds = Bounds::default();
        bounds.question("a page", Duration::from_millis(100));
        bounds.question("a search", Duration::from_millis(30));
        bounds.bulk("a retry", Duration::from_secs(11));
        assert_eq!(
            bounds.end().unwrap_err().to_string(),
            "too slow: a page: 100 ms, and 100 ms are the bound; a retry: 11000 ms, and 10000 ms are the bound"
        );
    }
}
