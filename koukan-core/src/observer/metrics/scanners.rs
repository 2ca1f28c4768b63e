//! Metrics of scanners.

use ::metrics::{Counter, Gauge, Histogram};

use crate::event::{Scanned, ScannerAsked, ScannerStands};

use super::{
    by_name::ByName,
    families::{self as f, Registrar},
};

/// The metrics of all scanners, whose names come from the configuration.
pub(super) struct Scanners {
    found: ByName<Counter>,
    durations: ByName<Histogram>,
    addresses: ByName<Address>,
}

/// The metrics of one address of a scanner.
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
            // Further ones are counted without either name.
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
        // Several filters may use one address, and two threads may report events in another order than they happened.
        self.at(
            registrar,
            stands.scanner,
            stands.address,
            |of| match stands.is_up {
                true => of.down.decrement(1.0),
                false => of.down.increment(1.0),
            },
        );
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU64, atomic::Ordering};

    use ::metrics::{Key, KeyName, Metadata, Recorder, SharedString, Unit};

    use super::*;

    /// One gauge, whatever it is called.
    struct OneGauge(Arc<AtomicU64>);

    impl Recorder for OneGauge {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(Arc::clone(&self.0))
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn an_address_is_down_for_as_many_filters_as_do_not_ask_there() {
        let gauge = Arc::<AtomicU64>::default();
        let registrar = Registrar::new(OneGauge(Arc::clone(&gauge)));
        let scanners = Scanners::new();
        // The second filter's; and the report that the first was down comes late.
        for (is_up, down) in [
            (false, 1.0),
            (false, 2.0),
            (true, 1.0),
            (true, 0.0),
            (true, -1.0),
            (false, 0.0),
        ] {
            let stands = ScannerStands::new("clamav", "127.0.0.1:3310", is_up);
            scanners.stands(&registrar, &stands);
            assert_eq!(f64::from_bits(gauge.load(Ordering::Relaxed)), down);
        }
    }
}
