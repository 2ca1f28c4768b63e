//! What a scanner says: [`Finding`].

use serde::{Deserialize, Serialize};

/// Symbols of a message that are kept at most, and characters kept of each.
const SYMBOLS_MAX: usize = 100;
const NAME_MAX: usize = 120;

/// What a scanner says of a message: a signal under the scanner's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The result in a word.
    pub result: ScanResult,
    /// The action that rspamd asks for, for example `add header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The spam score: the higher, the more likely the message is spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The score from which on the scanner calls a message spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The names of what was found, a hundred at most: signatures of viruses, or symbols of rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
    /// Why nothing is known, where the result is [`ScanResult::Unscanned`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Unscanned>,
}

/// A scanner's result for a message, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ScanResult {
    /// Nothing was found, or not enough.
    Clean,
    /// It contains something harmful, such as a virus.
    Infected,
    /// It is spam.
    Spam,
    /// Nothing is known.
    Unscanned,
}

/// Why nothing is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unscanned {
    /// The scanner could not be asked, or gave no answer.
    Unavailable,
    /// The message is larger than it takes.
    TooLarge,
}

impl Finding {
    /// A finding with this result and nothing else.
    pub fn new(result: ScanResult) -> Self {
        Self {
            result,
            action: None,
            score: None,
            threshold: None,
            symbols: Vec::new(),
            reason: None,
        }
    }

    /// A finding that says that nothing is known.
    pub fn unscanned(reason: Unscanned) -> Self {
        Self {
            reason: Some(reason),
            ..Self::new(ScanResult::Unscanned)
        }
    }

    /// Adds these names, as many as are kept.
    #[must_use]
    pub fn with_symbols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let kept = |name: &str| {
            let printable = name.chars().filter(|c| !c.is_control());
            printable.take(NAME_MAX).collect()
        };
        self.symbols = names.into_iter().take(SYMBOLS_MAX).map(kept).collect();
        self
    }

    /// Adds the score, and the threshold from which on a message is spam. A number that is not
    /// finite is left out.
    #[must_use]
    pub fn with_score(mut self, score: f64, threshold: f64) -> Self {
        self.score = Some(score).filter(|it| it.is_finite());
        self.threshold = Some(threshold).filter(|it| it.is_finite());
        self
    }
}

impl ScanResult {
    /// All results.
    pub const ALL: [Self; 4] = [Self::Clean, Self::Infected, Self::Spam, Self::Unscanned];

    /// Its name in the signal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected => "infected",
            Self::Spam => "spam",
            Self::Unscanned => "unscanned",
        }
    }
}
