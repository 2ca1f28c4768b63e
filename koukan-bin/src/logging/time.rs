//! The time of a log line.

use std::cell::Cell;

use koukan_core::clock::{Clock, SystemClock};

/// The second that a thread wrote last: most lines fall into the same one, and differ only in the fraction.
#[derive(Debug, Clone, Copy)]
struct Second {
    number: i64,
    /// As in `2026-01-31T12:00:00`.
    text: [u8; LEN],
}

const LEN: usize = 19;

thread_local! {
    static LAST: Cell<Option<Second>> = const { Cell::new(None) };
}

/// Writes the current time, as in `2026-01-31T12:00:00.123456Z`.
pub(super) fn write_now(line: &mut String) {
    let now = SystemClock.now();
    let microseconds = now.subsec_microsecond().unsigned_abs();
    write_time(line, now.as_second(), microseconds, || now.to_string());
}

/// Writes a time. `shown` writes its second as text that begins like `Second::text`.
fn write_time(line: &mut String, number: i64, microseconds: u32, shown: impl FnOnce() -> String) {
    let last = LAST.get().filter(|last| last.number == number);
    let second = last.unwrap_or_else(|| Second::new(number, &shown()));
    LAST.set(Some(second));
    line.push_str(str::from_utf8(&second.text).unwrap_or_default());
    let mut fraction = *b".000000Z";
    let mut rest = microseconds;
    for digit in fraction[1..7].iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    line.push_str(str::from_utf8(&fraction).unwrap_or_default());
}

impl Second {
    fn new(number: i64, shown: &str) -> Self {
        let mut text = [b'0'; LEN];
        for (octet, shown) in text.iter_mut().zip(shown.bytes()) {
            *octet = shown;
        }
        Self { number, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_microsecond() {
        for (time, written) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
            ("2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.100000Z"),
            (
                "2026-01-31T12:00:00.0000129Z",
                "2026-01-31T12:00:00.000012Z",
            ),
            ("2026-01-31T12:00:01.999999Z", "2026-01-31T12:00:01.999999Z"),
            ("2026-01-31T11:59:59.5Z", "2026-01-31T11:59:59.500000Z"),
        ] {
            let time: jiff::Timestamp = time.parse().unwrap();
            let microseconds = time.subsec_microsecond().unsigned_abs();
            let mut line = String::new();
            write_time(&mut line, time.as_second(), microseconds, || {
                time.to_string()
            });
            assert_eq!(line, written);
        }
    }
}
