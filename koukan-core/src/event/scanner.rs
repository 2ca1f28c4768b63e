//! Questions to scanners.

use std::time::Duration;

/// A scanner's filter has had a message looked at, or has not.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Scanned<'a> {
    /// The scanner, by the name of its signal: `clamav`.
    pub scanner: &'a str,
    /// The result in a word: `clean`, `infected`, `spam`; or why there is none: `unavailable`, `too_large`.
    pub result: &'a str,
    /// The time since the whole message had arrived.
    pub duration: Duration,
}

/// A scanner was asked at one of its addresses.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ScannerAsked<'a> {
    /// The scanner, as its signal is called.
    pub scanner: &'a str,
    /// The address, as the configuration has it.
    pub address: &'a str,
    /// From the message's turn to the answer, or until the question was given up.
    pub duration: Duration,
    /// Why there was no answer; `None` where there was one, or the scanner is there but takes long for this message.
    pub error: Option<&'a str>,
}

/// A scanner's address is no longer asked by one filter, or is asked again; each filter determines that by itself. For
/// one filter and address the two alternate. When two threads report them, they may come in the other order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ScannerStands<'a> {
    /// The scanner, as its signal is called.
    pub scanner: &'a str,
    /// The address, as the configuration has it.
    pub address: &'a str,
    /// Whether it is asked.
    pub is_up: bool,
}

impl<'a> Scanned<'a> {
    /// A result for a message.
    pub fn new(scanner: &'a str, result: &'a str, duration: Duration) -> Self {
        Self {
            scanner,
            result,
            duration,
        }
    }
}

impl<'a> ScannerAsked<'a> {
    /// A scanner has answered.
    pub fn new(scanner: &'a str, address: &'a str, duration: Duration) -> Self {
        Self {
            scanner,
            address,
            duration,
            error: None,
        }
    }

    /// The same, that has not answered.
    #[must_use]
    pub fn failed(mut self, error: &'a str) -> Self {
        self.error = Some(error);
        self
    }
}

impl<'a> ScannerStands<'a> {
    /// A scanner is asked at an address from now on, or is not.
    pub fn new(scanner: &'a str, address: &'a str, is_up: bool) -> Self {
        Self {
            scanner,
            address,
            is_up,
        }
    }
}
