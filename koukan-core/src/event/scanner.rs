//! What becomes of questions to scanners.

use std::time::Duration;

/// A scanner's filter has had a message looked at, or has not.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Scanned<'a> {
    /// The scanner, as its signal is called: `clamav`.
    pub scanner: &'a str,
    /// What was found out, in a word: `clean`, `infected`, `spam`, or why nothing was: `unavailable`, `too_large`.
    pub result: &'a str,
    /// From when all of the message was there.
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
    /// From when it was the message's turn to the answer, or to when it was given up.
    pub duration: Duration,
    /// Why it has not answered; `None` where it has, and where it is there but takes long for this message.
    pub error: Option<&'a str>,
}

/// A scanner is not asked any longer at one of its addresses, or is asked again, by one filter: each finds that out by
/// itself. Of one filter and address the two alternate; told by two threads, they may come in the other order.
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
    /// Something was found out of a message, or that nothing could be.
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
