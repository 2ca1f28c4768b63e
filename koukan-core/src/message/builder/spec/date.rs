//! Dates of a message.

use jiff::{
    Timestamp,
    fmt::rfc2822,
    tz::{Offset, TimeZone},
};

/// The largest offset of a time zone, in seconds: RFC 5322 writes two digits of hours and of
/// minutes.
const MAX_OFFSET: i64 = 24 * 3600;

/// A date in the form of RFC 5322 section 3.3; or the reason why it cannot be written.
pub(crate) fn write(unix_secs: i64, tz_offset: i64) -> Result<String, &'static str> {
    if tz_offset % 60 != 0 || tz_offset.abs() >= MAX_OFFSET {
        return Err("must have a tz_offset of whole minutes, in seconds, of less than a day");
    }
    let years = "must be of a year from 1900 to 9999";
    let time = Timestamp::from_second(unix_secs).map_err(|_| years)?;
    let offset = i32::try_from(tz_offset).ok();
    let offset = offset.and_then(|offset| Offset::from_seconds(offset).ok());
    let zoned = time.to_zoned(TimeZone::fixed(offset.ok_or(years)?));
    if !(1900..=9999).contains(&zoned.year()) {
        return Err(years);
    }
    rfc2822::to_string(&zoned).map_err(|_| years)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_their_zone() {
        let date = write(1_709_750_551, -28_800);
        assert_eq!(date.as_deref(), Ok("Wed, 6 Mar 2024 10:42:31 -0800"));
        assert_eq!(write(0, 0).as_deref(), Ok("Thu, 1 Jan 1970 00:00:00 +0000"));
        for (secs, offset) in [
            (0, 1),
            (0, 86_400),
            (i64::MAX, 0),
            (i64::MIN, 60),
            (-2_300_000_000, 0),
        ] {
            assert!(write(secs, offset).is_err(), "{secs} {offset}");
        }
    }
}
