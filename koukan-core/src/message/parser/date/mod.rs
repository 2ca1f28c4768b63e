//! Dates: RFC 5322 section 3.3, and common deviations.
//!
//! They are parsed here because mail-parser reads `-600` as twelve hours, `+9999` as three and 30
//! Feb as a day, and neither it nor `jiff` reads a time without a zone or the full name of a month.
//! An ambiguous date is not read at all.

mod zone;

use std::borrow::Cow;

use jiff::civil::{Date, Time};

use super::comments::without_comments;

use self::zone::offset;

/// A moment, and the zone in which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) unix_secs: i64,
    /// How many seconds local time is ahead of UTC.
    pub(super) tz_offset: i64,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads a date, which is one line.
pub(super) fn parse(text: &str) -> Option<Moment> {
    let text = without_comments(text).to_ascii_lowercase();
    let text = text.trim_end_matches([';', '.', ' ', ',']);
    let text = without_blanks(text);
    let mut found = Found {
        has_colon: text.contains(':'),
        ..Found::default()
    };
    // Words are separated by commas or blanks, and by the T of ISO 8601.
    for word in text.split(|c: char| c.is_whitespace() || ",\"".contains(c)) {
        if !word.is_empty() {
            found.word(word)?;
        }
    }
    found.moment()
}

/// A text without the blanks around its colons, which RFC 5322 section 4.3 allows.
fn without_blanks(text: &str) -> Cow<'_, str> {
    if !text.contains(" :") && !text.contains(": ") {
        return text.into();
    }
    let parts: Vec<_> = text.split(':').map(str::trim).collect();
    parts.join(":").into()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// Whether there is a time with colons somewhere.
    has_colon: bool,
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    /// Seconds of the day.
    time: Option<i64>,
    /// The hours that `am` or `pm` add.
    half: Option<i64>,
    offset: Option<i64>,
    /// The zone was UTC by name, so a number may follow.
    is_utc: bool,
}

impl Found {
    /// Takes a word; `None` if it fits nowhere.
    fn word(&mut self, word: &str) -> Option<()> {
        if word.contains(':') {
            return self.time(word);
        }
        // `+0100 CET`: the number counts.
        if self.offset.is_some()
            && word.bytes().all(|octet| octet.is_ascii_alphabetic())
            && self.month.is_some()
        {
            return Some(());
        }
        if let Some(offset) = self.time.is_some().then(|| offset(word)).flatten() {
            return self.zone(word, offset);
        }
        // `10.42.31`, if there is no other time.
        if !self.has_colon && self.month.is_some() && word.matches('.').count() == 2 {
            return self.time(&word.replace('.', ":"));
        }
        if word.contains('-') && !word.starts_with('-') {
            return word.split('-').try_for_each(|word| self.date(word));
        }
        self.date(word)
    }

    /// Takes a zone, which may be `GMT +0100`.
    fn zone(&mut self, word: &str, offset: i64) -> Option<()> {
        if std::mem::take(&mut self.is_utc) && word.starts_with(['+', '-']) {
            self.offset = None;
        }
        self.is_utc = ["gmt", "utc", "ut"].contains(&word);
        set(&mut self.offset, offset)
    }

    fn date(&mut self, word: &str) -> Option<()> {
        if word.bytes().all(|octet| octet.is_ascii_digit()) {
            return self.number(word);
        }
        let word = word.trim_end_matches('.');
        if let Some(month) = month(word) {
            return set(&mut self.month, month);
        }
        match word {
            "am" | "pm" | "a.m" | "p.m" if self.time.is_some() => {
                set(&mut self.half, if word.starts_with('p') { 12 } else { 0 })
            }
            "at" | "of" => Some(()),
            _ if is_day(word) => Some(()),
            // RFC 5322 section 4.3: an unknown zone is taken for UTC.
            _ if self.time.is_some() && word.bytes().all(|c| c.is_ascii_alphabetic()) => {
                set(&mut self.offset, offset(word).unwrap_or(0))
            }
            _ => {
                // `1st`, `2nd`, `3rd`, `4th`.
                let end = word.find(|c: char| !c.is_ascii_digit())?;
                let (digits, suffix) = word.split_at(end);
                matches!(suffix, "st" | "nd" | "rd" | "th").then_some(())?;
                self.number(digits)
            }
        }
    }

    /// A day, a month or a year.
    fn number(&mut self, digits: &str) -> Option<()> {
        let number: i16 = digits.parse().ok()?;
        if digits.len() == 4 {
            return set(&mut self.year, number);
        }
        // A year comes before a month only in ISO 8601, where it has four digits.
        if self.year.is_some() && self.month.is_none() {
            return set(&mut self.month, i8::try_from(number).ok()?);
        }
        if self.day.is_none() && digits.len() <= 2 {
            return set(&mut self.day, i8::try_from(number).ok()?);
        }
        // RFC 5322 section 4.3.
        let year = match digits.len() {
            2 if number < 50 => 2000 + number,
            2 | 3 => 1900 + number,
            _ => return None,
        };
        self.month?;
        set(&mut self.year, year)
    }

    /// A time, possibly preceded by an ISO date and followed by a zone.
    fn time(&mut self, word: &str) -> Option<()> {
        let word = match word.split_once('t') {
            Some((date, time)) if date.contains('-') && self.year.is_none() => {
                date.split('-').try_for_each(|word| self.date(word))?;
                time
            }
            _ => word,
        };
        // `+02:00`, `gmt+02:00`.
        if self.time.is_some() {
            return self.zone(word, offset(word)?);
        }
        let end = word.find(|c: char| !c.is_ascii_digit() && !":.".contains(c));
        let (time, zone) = word.split_at(end.unwrap_or(word.len()));
        set(&mut self.time, seconds(time)?)?;
        match zone {
            "" => Some(()),
            "am" | "pm" => self.date(zone),
            zone => set(&mut self.offset, offset(zone)?),
        }
    }

    fn moment(self) -> Option<Moment> {
        let time = match (self.time?, self.half) {
            (time, None) => time,
            // 12 am is midnight.
            (time, Some(half)) if (3600..13 * 3600).contains(&time) => {
                time % (12 * 3600) + half * 3600
            }
            _ => return None,
        };
        let date = Date::new(self.year?, self.month?, self.day?).ok()?;
        if !(1900..=9999).contains(&date.year()) {
            return None;
        }
        let tz_offset = self.offset.unwrap_or(0);
        let zero = date.to_datetime(Time::midnight());
        let local = zero.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Moment {
            unix_secs: local.timestamp().as_second() + time - tz_offset,
            tz_offset,
        })
    }
}

/// Sets a value that was not set before.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.is_none().then(|| *place = Some(value))
}

fn month(word: &str) -> Option<i8> {
    let is_named = |month: &str| {
        word.len() >= 3 && month.starts_with(word) || word == "sept" && month == "september"
    };
    let index = MONTHS.iter().position(|month| is_named(month))?;
    i8::try_from(index + 1).ok()
}

fn is_day(word: &str) -> bool {
    let is_named = |day: &str| word.len() >= 2 && day.starts_with(word);
    DAYS.iter().any(|day| is_named(day)) || ["tues", "weds", "thurs"].contains(&word)
}

/// `10:42`, `10:42:31`, with a fraction; the second may be a leap second. 24 is the end of a day.
fn seconds(word: &str) -> Option<i64> {
    let mut parts = word.split(':');
    let number = |part: &str, max: i64| {
        let is_number = (1..=2).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
        let number: i64 = part.parse().ok().filter(|_| is_number)?;
        (number <= max).then_some(number)
    };
    let hours = number(parts.next()?, 24)?;
    let minutes = number(parts.next()?, 59)?;
    let seconds = match parts.next() {
        Some(part) => number(part.split('.').next()?, 60)?,
        None => 0,
    };
    let is_end = parts.next().is_none() && (hours < 24 || minutes + seconds == 0);
    is_end.then_some(hours * 3600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let at = 1_709_721_751; // Wed, 6 Mar 2024 10:42:31 +0000
        for (text, unix_secs, hours) in [
            ("Wed, 6 Mar 2024 10:42:31 +0000", at, 0),
            ("Wed, 6 Mar 2024 10:42:31 -0800", at + 8 * 3600, -8),
            ("Wed, 06 Mar 2024 10:42:31 -0800 (PST)", at + 8 * 3600, -8),
            ("6 Mar 24 10:42:31 PST", at + 8 * 3600, -8),
            ("Wed, 6 Mar 2024 10:42 CST", at - 31 + 6 * 3600, -6),
            ("Wed,6 Mar 2024 10:42:31 GMT", at, 0),
            ("6 March 2024 10:42:31 Z", at, 0),
            ("Wednesday, 6 MARCH 2024 10:42:31 UT", at, 0),
            ("Wed, 6 Mar 124 10:42:31 +0000", at, 0),
            // Without a zone, and with an unknown one.
            ("Wed, 6 Mar 2024 10:42:31", at, 0),
            ("Wed, 6 Mar 2024 10:42:31 XYZ", at, 0),
            ("Wed, 6 Mar 2024 10:42:31 A", at, 0),
            ("Wed, 6 Mar 2024 10:42:31 +0100 CET", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 +01:00", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 GMT+0100", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 GMT+1", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 GMT +0100", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 UTC -01:00", at + 3600, -1),
            // RFC 5322 appendix A.6.3, and other blanks around colons.
            (
                "Wed,\t6 Mar 2024 10(comment):   42  :  31 -0600",
                at + 6 * 3600,
                -6,
            ),
            ("Wed, 6 Mar 2024 10 : 42 : 31 +0100", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42: 31 +0100", at - 3600, 1),
            // Marks that mean nothing.
            ("\"Wed, 6 Mar 2024 10:42:31 +0100\"", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 \"EST\"", at + 5 * 3600, -5),
            ("Wed, 6 Mar 2024 10:42:31 +0100;", at - 3600, 1),
            ("Wed, 6 Mar 2024 10:42:31 +0100.", at - 3600, 1),
            ("Wed, 6 Mar 2024 10.42.31 +0100", at - 3600, 1),
            ("Weds, 6th of March 2024 10:42:31 a.m.", at, 0),
            ("6 Mar 2024 10:42:31 p.m. EST", at + 17 * 3600, -5),
            // The end of a day.
            ("5 Mar 2024 24:00:00 +0000", at - 38_551, 0),
            // A leap second.
            ("Wed, 6 Mar 2024 10:42:60 +0000", at + 29, 0),
            ("Wed, 6 Mar 2024 10:42:31.25 +0000", at, 0),
            // What other programs write.
            ("Wed Mar  6 10:42:31 2024", at, 0),
            ("Wed Mar 06 10:42:31 GMT 2024", at, 0),
            ("Wed, 06-Mar-2024 10:42:31 GMT", at, 0),
            ("2024-03-06T10:42:31Z", at, 0),
            ("2024-03-06 10:42:31 +0100", at - 3600, 1),
            ("2024-03-06T10:42:31.5+01:00", at - 3600, 1),
            ("March 6th, 2024 at 10:42:31 AM", at, 0),
            ("6 Mar 2024 10:42:31 PM", at + 12 * 3600, 0),
            ("Tues, 5 Sept 2023 00:00:00 +0000", 1_693_872_000, 0),
            ("Thu, 1 Jan 1970 00:00 +0000", 0, 0),
            ("31 Dec 1969 23:59:59 +0000", -1, 0),
            ("29 Feb 2024 00:00:00 +0000", 1_709_164_800, 0),
        ] {
            let tz_offset = hours * 3600;
            let expected = Moment {
                unix_secs,
                tz_offset,
            };
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_means_nothing_or_two_things_is_not_read() {
        for text in [
            "",
            "yesterday",
            "Wed, 6 Mar 2024 10:42:31 -600",
            "Wed, 6 Mar 2024 10:42:31 +9999",
            "Wed, 6 Mar 2024 10:42:31 +0060",
            "Wed, 6 Mar 2024 10:42:31 +00000",
            "30 Feb 2024 10:42:31 +0000",
            "29 Feb 2023 10:42:31 +0000",
            "0 Mar 2024 10:42:31 +0000",
            "6 Mar 2024 24:00:01 +0000",
            "6 Mar 2024 24:01 +0000",
            "6 Mar 2024 10.42 +0000",
            "06.03.2024 10.42.31",
            "6 Mar 2024 10:42:31 +0100 +0200",
            "6 Mar 2024 10:42:31 CET +0200",
            "6 Mar 2024 10:60:00 +0000",
            "6 Mar 2024 10:42:61 +0000",
            "6 Mar 2024 10:42:31:00 +0000",
            "6 Mar 2024 13:42 pm",
            "6 Mar 2024 10 +0000",
            "6 Foo 2024 10:42:31 +0000",
            "Wed, 99 Foo 2024 25:61:61 -9999",
            "06/03/2024 10:42:31",
            "6 7 Mar 2024 10:42:31 +0000",
            "6 Mar 20240 10:42:31 +0000",
            "6 Mar 0024 10:42:31 +0000",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
