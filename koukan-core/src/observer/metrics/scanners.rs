//! Counters and the like of scanners.

use ::metrics::{Counter, Gauge, Histogram};

use crate::event::{Scanned, ScannerAsked, ScannerStands};

use super::{
    by_name::ByName,
    families::{self as f, Registrar},
};

/// Of all scanners: the names of both are what the configuration has.
pub(super) struct Scanners {
    found: ByName<Counter>,
    durations: ByName<Histogram>,
    addresses: ByName<Address>,
}

/// Of one address of a scanner.
struct Address {
    answered: Counter,
    failed: Counter,
    duration: Histogram,
    down: Gauge,
}

impl Scanners {
    pub(super) fn new() -> Self {
        Self {
            found: ByName::new(),
            durations: ByName::new(),
            addresses: ByName::new(),
        }
    }

    pub(super) fn scanned(&self, registrar: &Registrar, scanned: &Scanned<'_>) {
        let Scanned {
            scanner, result, ..
        } = scanned;
        let make = |name: &str| {
            // Of all further ones neither is told.
            let (scanner, result) = name.split_once(' ').unwrap_or((name, name));
            registrar.counter(f::SCANNED, &[("scanner", scanner), ("result", result)])
        };
        let name = format!("{scanner} {result}");
        self.found.with(&name, make, |found| found.increment(1));
        let make = |name: &str| registrar.histogram(f::SCAN_DURATION, &[("scanner", name)]);
        let record = |of: &Histogram| of.record(scanned.duration);
        self.durations.with(scanner, make, record);
    }

    pub(super) fn asked(&self, registrar: &Registrar, asked: &ScannerAsked<'_>) {
        self.at(registrar, asked.scanner, asked.address, |of| {
            match asked.error {
                None => of.answered.increment(1),
                Some(_) => of.failed.increment(1),
            }
            of.duration.record(asked.duration);
        });
    }

    pub(super) fn stands(&self, registrar: &Registrar, stands: &ScannerStands<'_>) {
        self.at(registrar, stands.scanner, stands.address, |of| {
            of.down.set(if stands.is_up { 0.0 } else { 1.0 });
        });
    }

    fn at(&self, registrar: &Registrar, scanner: &str, address: &str, uses: impl FnOnce(&Address)) {
        let make = |name: &str| {
            let (scanner, address) = name.split_once(' ').unwrap_or((name, name));
            Address::new(registrar, scanner, address)
        };
        self.addresses
            .with(&format!("{scanner} {address}"), make, uses);
    }
}

impl Address {
    fn new(registrar: &Registrar, scanner: &str, address: &str) -> Self {
        let labels = &[("scanner", scanner), ("address", address)];
        let questions = |outcome| {
            let labels = &[
                ("scanner", scanner),
                ("address", address),
                ("outcome", outcome),
            ];
            registrar.counter(f::SCANNER_QUESTIONS, labels)
        };
        Self {
            answered: questions("answered"),
            failed: questions("failed"),
            duration: registrar.histogram(f::SCANNER_DURATION, labels),
            down: registrar.gauge(f::SCANNER_DOWN, labels),
        }
    }
}
