//! When a certificate expires.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::der::{SEQUENCE, any, element, up_to_validity};

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Reads `notAfter` of a certificate in DER; `None` if the structure is not as expected.
///
/// *Source*: RFC 5280 sections 4.1 and 4.1.2.5.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let fields = up_to_validity(certificate)?;
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_, _, rest) = any(validity)?;
    let (tag, time, _) = any(rest)?;
    parse(tag, str::from_utf8(time).ok()?)
}

fn parse(tag: u8, time: &str) -> Option<Timestamp> {
    let full = match tag {
        // The years are 1950 to 2049.
        UTC_TIME => {
            let year: u8 = time.get(..2)?.parse().ok()?;
            let century = if year < 50 { "20" } else { "19" };
            format!("{century}{time}")
        }
        GENERALIZED_TIME => time.to_owned(),
        _ => return None,
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", &full).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_times() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000001Z", 1),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
        ] {
            let expected = Timestamp::from_second(seconds).unwrap();
            assert_eq!(parse(tag, text), Some(expected), "{text}");
        }
        assert_eq!(parse(UTC_TIME, "é"), None);
        assert_eq!(parse(GENERALIZED_TIME, "2050"), None);
        assert_eq!(parse(0, "20500101000000Z"), None);
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        for octets in [
            &[][..],
            &[SEQUENCE],
            &[SEQUENCE, 0x80],
            &[SEQUENCE, 0x84, 0xff],
            &[SEQUENCE, 0x82, 0xff, 0xff, 0],
            &[SEQUENCE, 2, SEQUENCE, 0],
        ] {
            assert_eq!(not_after(octets), None, "{octets:x?}");
        }
    }
}
